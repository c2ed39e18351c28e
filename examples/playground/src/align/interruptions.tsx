import type { Failure, WhenFull } from '../engine/index'

/** Why a run stopped that nobody paused. */
export function Stopped({ failure }: { failure: Failure }) {
  return (
    <div class="run-failure" role="alert">
      <p>
        <strong>It stopped.</strong> {failure.message}
      </p>
      {failure.remedy && <p>{failure.remedy}</p>}
      <p>What was stored goes on from there.</p>
    </div>
  )
}

/** The storage is full: training waits. */
export function FullStorage({ answer }: { answer: (what: WhenFull) => Promise<unknown> }) {
  return (
    <div class="run-failure" role="alert">
      <p>
        <strong>The storage that the browser gives this site is full.</strong> Training waits, and nothing is lost. Free
        space on the disk or delete other runs and try again; or go on, and keep new checkpoints in this tab's memory.
      </p>
      <p class="actions">
        <button type="button" class="button primary" onClick={() => void answer('retry')}>
          Try again
        </button>
        <button type="button" class="button" onClick={() => void answer('memory')}>
          Go on in memory
        </button>
      </p>
    </div>
  )
}

/** What is newer than the storage is lost with the tab. */
export function Unsaved() {
  return (
    <p class="run-note">
      The storage was full: newer checkpoints are in this tab's memory only. Download the draft before you close it.
    </p>
  )
}

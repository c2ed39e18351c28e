import { useSignal } from '@preact/signals'
import type { AlignPhase, BudgetPhase } from '../engine/index'

export interface ActionsProps {
  phase: AlignPhase | BudgetPhase
  pause: () => Promise<unknown>
  resume: () => Promise<unknown>
  discard: () => Promise<unknown>
}

/** What there is to do with a run in a phase. */
export function Actions({ phase, pause, resume, discard }: ActionsProps) {
  const asked = useSignal(false)
  if (asked.value)
    return (
      <fieldset class="actions">
        <legend>Delete the run and its draft?</legend>
        <button
          type="button"
          class="button"
          onClick={() => {
            asked.value = false
            void discard()
          }}
        >
          Delete
        </button>
        <button
          type="button"
          class="button"
          autofocus
          onClick={() => {
            asked.value = false
          }}
        >
          Keep
        </button>
      </fieldset>
    )
  return (
    <p class="actions">
      {(phase === 'running' || phase === 'pausing') && (
        <button type="button" class="button" disabled={phase === 'pausing'} onClick={() => void pause()}>
          Pause
        </button>
      )}
      {phase === 'paused' && (
        <button type="button" class="button primary" onClick={() => void resume()}>
          Go on
        </button>
      )}
      {(phase === 'paused' || phase === 'done' || phase === 'declined' || phase === 'refused') && (
        <button
          type="button"
          class="button"
          onClick={() => {
            asked.value = true
          }}
        >
          Start over
        </button>
      )}
    </p>
  )
}

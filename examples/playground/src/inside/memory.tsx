import { bytesOf, grouped } from '../app/numbers'
import { Facts } from '../controls/index'
import type { InsideState } from '../engine/index'

/** Bytes on the device, and what was done on it since it was made. */
export function Memory({ state: { memory, counters } }: { state: InsideState }) {
  const totals = [
    ['Dispatches', grouped(counters.dispatches)],
    ['Submissions', grouped(counters.submits)],
    ['Readbacks', grouped(counters.readbacks)],
    ['Bytes read back', bytesOf(counters.bytesRead)],
    ['Pipelines compiled', grouped(counters.pipelines)],
    ['Bind groups made', grouped(counters.bindGroups)],
  ] as const
  return (
    <section class="card" aria-labelledby="memory-title">
      <header class="card-header">
        <h2 id="memory-title">Memory and work</h2>
      </header>
      <p class="hero">
        <strong>{bytesOf(memory.liveBytes)}</strong>
        <span>
          live in {grouped(memory.liveBuffers)} buffers
          <small>peak of the last stage {bytesOf(memory.peakBytes)}</small>
        </span>
      </p>
      <Facts of={totals} />
    </section>
  )
}

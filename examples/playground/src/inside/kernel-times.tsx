import { signal } from '@preact/signals'
import { engine, engineState } from '../app/engine'
import { attempt } from '../app/notices'
import { grouped } from '../app/numbers'
import { ScrollArea } from '../controls/index'
import type { Profile } from '../engine/index'

const profile = signal<Profile | undefined>(undefined)
const running = signal(false)

/** Device time of a short answer, by kernel. */
export function KernelTimes({ supported }: { supported: boolean }) {
  const measure = async () => {
    running.value = true
    profile.value = (await attempt(() => engine.inside.profile())) ?? profile.value
    running.value = false
  }
  return (
    <section class="card wide" aria-labelledby="kernels-title">
      <header class="card-header">
        <h2 id="kernels-title">Time by kernel</h2>
        {supported && (
          <button
            type="button"
            class="button"
            disabled={running.value || !engineState.value.target}
            onClick={() => void measure()}
          >
            {running.value ? 'Measuring…' : 'Measure a short answer'}
          </button>
        )}
      </header>
      {supported ? (
        <Kernels />
      ) : (
        <p>
          This device has no timestamp queries, so its kernels cannot be timed one by one. Chrome has them on most GPUs;
          elsewhere they may be behind a flag.
        </p>
      )}
    </section>
  )
}

function Kernels() {
  const now = profile.value
  if (!now)
    return (
      <p class="quiet">
        Lets the model answer a few words and takes the time of every dispatch with timestamp queries.
      </p>
    )
  const total = now.kernels.reduce((sum, { microseconds }) => sum + microseconds, 0)
  const most = now.kernels[0]?.microseconds ?? 1
  return (
    <>
      <p class="quiet">
        {now.tokens} tokens, drafted by {now.drafter}: {(total / 1000).toFixed(1)} ms on the device. Each dispatch ran
        in a pass of its own.
      </p>
      <ScrollArea label="Kernels by time">
        <table class="table">
          <thead>
            <tr>
              <th scope="col">Kernel</th>
              <th scope="col" class="numeric">
                Runs
              </th>
              <th scope="col" class="numeric">
                Time, ms
              </th>
              <th scope="col" class="numeric">
                Share
              </th>
              <th scope="col">
                <span class="visually-hidden">Share as a bar</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {now.kernels.map(({ name, count, microseconds }) => (
              <tr key={name}>
                <th scope="row">
                  <code>{name}</code>
                </th>
                <td class="numeric">{grouped(count)}</td>
                <td class="numeric">{(microseconds / 1000).toFixed(2)}</td>
                <td class="numeric">{((100 * microseconds) / total).toFixed(1)} %</td>
                <td class="table-bar">
                  <span style={{ width: `${(100 * microseconds) / most}%` }} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </ScrollArea>
    </>
  )
}

import { signal } from '@preact/signals'
import { proxy } from 'comlink'
import { useEffect } from 'preact/hooks'
import { engine, engineState } from '../app/engine'
import { attempt } from '../app/notices'
import { NumberField } from '../controls/index'
import type { KeptChoices, TuningProgress, TuningResult } from '../engine/index'

const kept = signal<KeptChoices | undefined>(undefined)
const progress = signal<TuningProgress | undefined>(undefined)
const result = signal<TuningResult | undefined>(undefined)
const seconds = signal(10)

const look = async () => {
  kept.value = await attempt(() => engine.tuning.kept())
}

/** The fastest kernels for the model's prompts here: a button that finds them, and what is kept of it. */
export function Tuning() {
  const { device, target } = engineState.value
  useEffect(() => {
    result.value = undefined
    if (device) void look()
  }, [device, target?.name])
  const tune = async () => {
    progress.value = { done: 0, total: 1 }
    const found = await attempt(() =>
      engine.tuning.tune(
        seconds.value,
        proxy((now: TuningProgress) => {
          progress.value = now
        }),
      ),
    )
    progress.value = undefined
    result.value = found ?? result.value
    await look()
  }
  const now = progress.value
  return (
    <section class="card wide" aria-labelledby="tuning-title">
      <header class="card-header">
        <h2 id="tuning-title">Kernels for this adapter</h2>
        {now ? (
          <button type="button" class="button" onClick={() => void engine.tuning.stop()}>
            Stop
          </button>
        ) : (
          <button type="button" class="button" disabled={!target} onClick={() => void tune()}>
            Tune
          </button>
        )}
      </header>
      <p class="quiet">
        Times the kernels that may read the prompts of {target ? <b>{target.name}</b> : 'a model'} on this machine,
        compares their results, and keeps the fastest in the browser's storage. Every load uses them from then on. An
        answer is stopped for it.
      </p>
      <NumberField
        label="Seconds it may take"
        value={seconds.value}
        min={1}
        max={600}
        onChange={(value) => {
          seconds.value = value
        }}
      />
      {now && <progress value={now.done / now.total} max={1} aria-label="Shapes timed" />}
      <div role="status" aria-label="Tuning">
        {result.value && <Found result={result.value} />}
        {kept.value && (
          <p class="quiet">
            Kept for this adapter: {kept.value.timed} shapes timed, {kept.value.chosen} with a faster kernel than the
            default
            {kept.value.inUse ? ', in use.' : ', in use from the next load on.'}
          </p>
        )}
      </div>
    </section>
  )
}

function Found({ result: { timed, notReached, chosen, gain, wrong } }: { result: TuningResult }) {
  const faster = `Layers over prompts run ${Math.round(100 * gain)} % faster by ${chosen} other ${chosen === 1 ? 'kernel' : 'kernels'}.`
  return (
    <>
      {timed > 0 && <p>{chosen > 0 ? faster : 'The defaults are best here.'}</p>}
      {notReached > 0 && (
        <p>
          The time was not enough for {notReached} {notReached === 1 ? 'shape' : 'shapes'}, which keep the defaults.
          More seconds do.
        </p>
      )}
      {wrong.map((name) => (
        <p key={name}>
          {name} computes wrongly on this adapter and was set aside. Updating the graphics driver may mend it.
        </p>
      ))}
    </>
  )
}

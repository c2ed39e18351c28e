import { signal } from '@preact/signals'
import { engine } from './engine'
import { attempt } from './notices'
import { bytesOf } from './numbers'

/** Bytes of the weights that the browser keeps; undefined where it keeps none for this page, or has not said. */
const kept = signal<number | undefined>(undefined)
const clearing = signal(false)

export async function refreshKept(): Promise<void> {
  kept.value = await engine.kept.bytes()
}

/** What the browser keeps of models that came from far, and a way to be rid of it. */
export function Kept() {
  if (kept.value === undefined)
    return <p class="hint">This browser gives the page no room to keep weights: each visit fetches them.</p>
  if (kept.value === 0)
    return <p class="hint">Weights are kept in this browser: the next visit fetches none of them.</p>
  return (
    <p class="kept">
      <span>
        Weights kept here: <strong>{bytesOf(kept.value)}</strong>
      </span>
      <button type="button" class="link" disabled={clearing.value} onClick={() => void clear()}>
        {clearing.value ? 'Deleting…' : 'Delete'}
      </button>
    </p>
  )
}

async function clear(): Promise<void> {
  clearing.value = true
  await attempt(() => engine.kept.clear())
  await refreshKept()
  clearing.value = false
}

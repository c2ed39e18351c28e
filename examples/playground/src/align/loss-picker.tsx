import { signal } from '@preact/signals'
import { useEffect, useId } from 'preact/hooks'
import { engine } from '../app/engine'
import { attempt } from '../app/notices'
import type { LossChoice } from '../engine/index'
import { LossEditor } from './loss-editor'
import { lossTitles } from './losses'
import { ownLoss, watchOwnLoss } from './own-loss'

/** The built-in losses with their texts. */
const builtIn = signal<{ name: string; text: string }[]>([])

const own = 'your own'

/** Chooses what the draft is distilled with: any built-in loss, or one that is typed. */
export function LossPicker({ loss, onChange }: { loss: LossChoice; onChange(loss: LossChoice): void }) {
  const id = useId()
  useEffect(() => {
    void attempt(async () => {
      builtIn.value = await engine.align.losses()
    })
  }, [])
  const order = Object.keys(lossTitles)
  const place = (name: string) => (order.indexOf(name) + order.length) % order.length
  const names = builtIn.value.map(({ name }) => name).sort((a, b) => place(a) - place(b))
  return (
    <div class="field">
      <label class="field-label" for={id}>
        Loss
      </label>
      <select
        id={id}
        value={loss.kind === 'typed' ? own : loss.name}
        onChange={({ currentTarget: { value } }) =>
          onChange(value === own ? { kind: 'typed', text: ownLoss.value } : { kind: 'built-in', name: value })
        }
      >
        {names.map((name) => (
          <option key={name} value={name}>
            {lossTitles[name]?.title ?? name}
          </option>
        ))}
        <option value={own}>Your own, in WGSL…</option>
      </select>
      {loss.kind === 'typed' ? (
        <Own onChange={onChange} />
      ) : (
        <BuiltIn
          name={loss.name}
          onEdit={(text) => {
            ownLoss.value = text
            onChange({ kind: 'typed', text })
          }}
        />
      )}
    </div>
  )
}

/** A built-in loss: its formula, and its text, which may be edited as one's own. */
function BuiltIn({ name, onEdit }: { name: string; onEdit(text: string): void }) {
  const text = builtIn.value.find((loss) => loss.name === name)?.text
  const title = lossTitles[name]
  return (
    <div class="formula">
      {title && <p class="formula-line">{title.formula}</p>}
      {title && <p class="hint">{title.note}</p>}
      {text && (
        <details>
          <summary>In WGSL</summary>
          <pre class="code">{text}</pre>
          <button type="button" class="button" onClick={() => onEdit(text.replace(/^name = .*\n/, ''))}>
            Edit a copy
          </button>
        </details>
      )}
    </div>
  )
}

function Own({ onChange }: { onChange(loss: LossChoice): void }) {
  useEffect(watchOwnLoss, [])
  useEffect(() => onChange({ kind: 'typed', text: ownLoss.value }), [ownLoss.value])
  return (
    <div class="own-loss">
      <p class="hint">
        <code>sum</code> lines add up over the vocabulary; <code>value</code> is the loss at a position;{' '}
        <code>weight</code> is ∂value/∂p of a token (or <code>weightedMass</code>, p times it). Of a token,{' '}
        <code>p</code>, <code>q</code>, <code>logP</code>, <code>logQ</code>, <code>isLabel</code> and{' '}
        <code>isDrawn</code> are known; of a position its sums and <code>alpha</code> = Σ min(p, q).
      </p>
      <LossEditor />
    </div>
  )
}

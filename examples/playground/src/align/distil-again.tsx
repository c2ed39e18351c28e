import { useSignal } from '@preact/signals'
import { NumberField } from '../controls/index'
import type { AlignState, LossChoice } from '../engine/index'
import { distilAgain } from './alignment'
import { LossPicker } from './loss-picker'
import { checking, mistakes } from './own-loss'

/** The pretrained draft is distilled again from the same answers: to compare losses. */
export function DistilAgain({ state }: { state: AlignState }) {
  const { distillation } = state.plan!
  const loss = useSignal<LossChoice>(distillation.loss)
  const steps = useSignal(distillation.steps)
  const { pretrain } = state.stages
  if (pretrain.done < pretrain.total) return null
  const waits = loss.value.kind === 'typed' && (checking.value || mistakes.value.length > 0)
  return (
    <details>
      <summary>Distil again with another loss</summary>
      <div class="again-fields">
        <p class="hint">The answers and the pretrained draft are kept; what was distilled before is replaced.</p>
        <LossPicker
          loss={loss.value}
          onChange={(choice) => {
            loss.value = choice
          }}
        />
        <NumberField
          label="Distillation steps"
          value={steps.value}
          min={1}
          onChange={(value) => {
            steps.value = value
          }}
        />
        <button
          type="button"
          class="button primary"
          disabled={waits}
          onClick={() => void distilAgain(loss.value, steps.value)}
        >
          Distil again
        </button>
      </div>
    </details>
  )
}

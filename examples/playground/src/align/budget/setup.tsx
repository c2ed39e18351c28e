import { signal } from '@preact/signals'
import { engineState } from '../../app/engine'
import { Choice, NumberField } from '../../controls/index'
import type { Failure } from '../../engine/index'
import { OwnData } from '../data-field'
import { ownInstructions, ownText } from '../planned'
import { start } from './budget-run'

const units = { seconds: 1, minutes: 60, hours: 3600 } as const
type Unit = keyof typeof units

const amount = signal(30)
const unit = signal<Unit>('minutes')

/** What a run is to be given: time, and what the model is asked in life. */
export function BudgetSetup({ failure }: { failure: Failure | undefined }) {
  const { target } = engineState.value
  if (!target) return <p class="quiet">A model must be open to be aligned with.</p>
  return (
    <form
      class="card setup-fields budget-setup"
      onSubmit={(event) => {
        event.preventDefault()
        const own = { instructions: ownInstructions.value, text: ownText.value }
        void start({ seconds: amount.value * units[unit.value], own })
      }}
    >
      <header class="card-header">
        <h2>A draft for {target.name}</h2>
      </header>
      {failure && (
        <div class="run-failure" role="alert">
          <p>
            <strong>It stopped before there was a plan.</strong> {failure.message}
          </p>
          {failure.remedy && <p>{failure.remedy}</p>}
        </div>
      )}
      <div class="budget-time">
        <NumberField
          label="Time for all of it"
          value={amount.value}
          min={1}
          onChange={(value) => {
            amount.value = value
          }}
        />
        <Choice
          label="in"
          value={unit.value}
          options={[
            { value: 'seconds', label: 'Seconds' },
            { value: 'minutes', label: 'Minutes' },
            { value: 'hours', label: 'Hours' },
          ]}
          onChange={(value) => {
            unit.value = value
          }}
        />
      </div>
      {!target.canChat && (
        <p class="run-note">
          {target.name} has no chat template: it is aligned on plain continuations of text, and of no conversations.
        </p>
      )}
      <details>
        <summary>Instructions and text of your own (optional)</summary>
        <div class="again-fields">
          <OwnData
            instructionsHint="One a line, or JSONL. What you ask it in life gains more than any other; where there are too few, it writes others itself."
            textHint="Plain text, an empty line between documents. Without it, the model's own answers serve."
          />
        </div>
      </details>
      <div class="setup-start">
        <button type="submit" class="button primary">
          Align
        </button>
        <p class="hint">
          First it measures what a draft could bring here, and says so before anything is trained. All of it runs in
          this tab and is stored in this browser: stop at any moment, and go on later.
        </p>
      </div>
    </form>
  )
}

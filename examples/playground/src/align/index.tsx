import { signal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { engineState } from '../app/engine'
import { Choice } from '../controls/index'
import { alignment, watchAlignment } from './alignment'
import { budgetRun, watchBudgetRun } from './budget/budget-run'
import { BudgetRun } from './budget/run'
import { BudgetSetup } from './budget/setup'
import { Run } from './run'
import { Setup } from './setup'
import '../style/align.css'

type Way = 'budget' | 'hand'

/** How a draft for a model of the user's is made, as was chosen last. */
const chosen = signal<Way | undefined>(undefined)

/** Trains a draft for the target in the tab. */
export function Align() {
  useEffect(() => {
    watchAlignment()
    watchBudgetRun()
  }, [])
  const [byHand, byBudget] = [alignment.value, budgetRun.value]
  if (!byHand || !byBudget) return <p class="quiet page">Looking for what is stored…</p>
  const { target } = engineState.value
  const isOpened = target !== undefined && !target.isBundled
  // Where only a run by hand is there, that is shown.
  const way = isOpened ? (chosen.value ?? (byHand.plan && byBudget.phase === 'none' ? 'hand' : 'budget')) : 'hand'
  return (
    <div class="page align">
      <p class="align-lead">
        A small draft learns to speak like the model: the model answers instructions, the draft is pretrained on text
        and distilled from the answers (<a href="https://arxiv.org/abs/2403.00858">Goel et al. 2024</a>). The better it
        guesses, the faster Chat answers, and the words stay the model's own.
      </p>
      {isOpened && (
        <Choice
          label="How"
          value={way}
          options={[
            { value: 'budget', label: 'In the time there is' },
            { value: 'hand', label: 'By hand' },
          ]}
          hint={
            way === 'budget'
              ? 'It measures, plans, trains and measures again, as outrider align does.'
              : 'Every number is yours, and so is the loss.'
          }
          onChange={(value) => {
            chosen.value = value
          }}
        />
      )}
      {way === 'budget' ? (
        byBudget.phase === 'none' ? (
          <BudgetSetup failure={byBudget.failure} />
        ) : (
          <BudgetRun state={byBudget} />
        )
      ) : (
        <ByHand state={byHand} />
      )}
    </div>
  )
}

function ByHand({ state }: { state: NonNullable<typeof alignment.value> }) {
  return (
    <>
      {state.failure && !state.plan && (
        <div class="run-failure" role="alert">
          <p>
            <strong>What was stored cannot be read.</strong> {state.failure.message}
          </p>
          <p>{state.failure.remedy}</p>
        </div>
      )}
      {state.plan ? <Run state={state} /> : <Setup />}
    </>
  )
}

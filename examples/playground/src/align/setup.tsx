import { useEffect } from 'preact/hooks'
import { engineState } from '../app/engine'
import { Choice, NumberField } from '../controls/index'
import type { AlignPlan } from '../engine/index'
import { start } from './alignment'
import { DataField } from './data-field'
import { LossPicker } from './loss-picker'
import { checking, mistakes } from './own-loss'
import { budget, changeLoss, changePlan, ownInstructions, ownText, planned, size, watchPlan } from './planned'

/** What a new run is to be. */
export function Setup() {
  useEffect(watchPlan, [])
  const plan = planned.value
  const { target } = engineState.value
  if (!target || !plan) return <p class="quiet">A model must be open to be aligned with.</p>
  if (!target.canChat)
    return (
      <p class="quiet">
        {target.name} has no chat template, so it cannot answer instructions. Open a chat-tuned model in Chat.
      </p>
    )
  const typed = plan.distillation.loss.kind === 'typed'
  const waits = typed && (checking.value || mistakes.value.length > 0)
  const lacksData = plan.data === 'own' && ownInstructions.value.trim() === ''
  const own = plan.data === 'own' ? { instructions: ownInstructions.value, text: ownText.value } : undefined
  return (
    <form
      class="setup"
      onSubmit={(event) => {
        event.preventDefault()
        if (!waits && !lacksData) void start(plan, own)
      }}
    >
      <div class="card setup-fields">
        <header class="card-header">
          <h2>A draft for {target.name}</h2>
        </header>
        <Choice
          label="Draft"
          value={size.value}
          options={[
            { value: 'small', label: 'Small' },
            { value: 'medium', label: 'Medium' },
            { value: 'large', label: 'Large' },
          ]}
          hint={`${plan.draft.layers} ${plan.draft.layers === 1 ? 'layer' : 'layers'} of width ${plan.draft.hiddenSize}`}
          onChange={(value) => {
            size.value = value
          }}
        />
        <Choice
          label="Effort"
          value={budget.value}
          options={[
            { value: 'quick', label: 'Quick' },
            { value: 'standard', label: 'Standard' },
            { value: 'thorough', label: 'Thorough' },
          ]}
          hint={`${plan.generation.instructions} instructions, ${plan.pretraining.steps} steps of pretraining, ${plan.distillation.steps} of distillation`}
          onChange={(value) => {
            budget.value = value
          }}
        />
        <DataField />
        <Details plan={plan} />
      </div>
      <div class="card setup-loss">
        <LossPicker loss={plan.distillation.loss} onChange={changeLoss} />
        <div class="setup-start">
          <button type="submit" class="button primary" disabled={waits || lacksData}>
            Train the draft
          </button>
          <p class="hint">
            {lacksData
              ? 'Give instructions of your own first.'
              : waits
                ? checking.value
                  ? 'Your loss is being compiled.'
                  : 'Your loss does not compile yet.'
                : 'All of it runs in this tab, and is stored in this browser.'}
          </p>
        </div>
      </div>
    </form>
  )
}

/** Every number of the plan. */
function Details({ plan }: { plan: AlignPlan }) {
  const { draft, generation, pretraining, distillation } = plan
  const fields = [
    ['Layers', draft.layers, 1, (layers: number) => changePlan({ draft: { ...draft, layers } })],
    ['Width', draft.hiddenSize, 4, (hiddenSize: number) => changePlan({ draft: { ...draft, hiddenSize } })],
    [
      'Instructions',
      generation.instructions,
      1,
      (instructions: number) => changePlan({ generation: { ...generation, instructions } }),
    ],
    ['Held out', generation.heldOut, 1, (heldOut: number) => changePlan({ generation: { ...generation, heldOut } })],
    [
      'Tokens an answer',
      generation.maxTokens,
      1,
      (maxTokens: number) => changePlan({ generation: { ...generation, maxTokens } }),
    ],
    ['Pretraining steps', pretraining.steps, 1, (steps: number) => changePlan({ pretraining: { steps } })],
    [
      'Distillation steps',
      distillation.steps,
      1,
      (steps: number) => changePlan({ distillation: { ...distillation, steps } }),
    ],
    ['Rows a batch', plan.batchSize, 1, (batchSize: number) => changePlan({ batchSize })],
    ['Seed', plan.seed, 0, (seed: number) => changePlan({ seed })],
  ] as const
  return (
    <details>
      <summary>All numbers</summary>
      <div class="numbers">
        {fields.map(([label, value, min, onChange]) => (
          <NumberField key={label} label={label} value={value} min={min} onChange={onChange} />
        ))}
      </div>
    </details>
  )
}

import { batch, computed, effect, signal } from '@preact/signals'
import { engine, engineState } from '../app/engine'
import { attempt } from '../app/notices'
import type { AlignPlan, Budget, DraftSize, LossChoice } from '../engine/index'

/** What a new run would be. Undefined before a model is open. */
export const planned = signal<AlignPlan | undefined>(undefined)
export const size = signal<DraftSize>('medium')
export const budget = signal<Budget>('standard')

/** Where the data comes from that the target would have by itself. */
export const presetData = signal<AlignPlan['data']>('everyday')

/** The user's own instructions and text. */
export const ownInstructions = signal('')
export const ownText = signal('')

export const changePlan = (changes: Partial<AlignPlan>): void => {
  if (planned.value) planned.value = { ...planned.value, ...changes }
}

export const changeLoss = (loss: LossChoice): void => {
  if (planned.value) changePlan({ distillation: { ...planned.value.distillation, loss } })
}

/** Changes with the model alone, and not with all else that is known of the engine. */
const target = computed(() => engineState.value.target?.name)

/** Fills the plan anew for every model that is opened, and whenever size or budget change. Gives what ends it. */
export function watchPlan(): () => void {
  return effect(() => {
    const [draft, work] = [size.value, budget.value]
    if (target.value === undefined) {
      planned.value = undefined
      return
    }
    void fill(draft, work)
  })
}

/** What is not a matter of size stays as it was chosen. */
async function fill(draft: DraftSize, work: Budget): Promise<void> {
  const plan = await attempt(() => engine.align.preset(draft, work))
  if (!plan || draft !== size.peek() || work !== budget.peek()) return
  const before = planned.peek()
  batch(() => {
    presetData.value = plan.data
    planned.value = plan
    if (before) changeLoss(before.distillation.loss)
    if (before?.data === 'own') changePlan({ data: 'own' })
  })
}

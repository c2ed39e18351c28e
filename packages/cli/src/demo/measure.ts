import type { StepCosts } from '@outrider/speculative'
import type { PretrainedModel } from '@outrider/transformer'
import { stepCosts } from '../commands/evaluate'
import type { Context } from '../context'
import { all, type MeasuredPrompt, measurePlain, measureSpeculation, tokensPerSecond } from '../evaluation/speculation'
import type { EvaluationRow } from '../report/index'
import { plan, samplings, seeds } from './plan'
import type { TrainedDraft } from './stages'
import { exchanges, tasks } from './world/index'

export interface Measurement {
  rows: EvaluationRow[]
  /** What steps of target and draft cost; all drafts have one shape. */
  costs: StepCosts
}

/** Every draft at every draft length and way of sampling, by task and over all tasks; plain decoding once for each sampling. */
export async function measureAll(
  context: Context,
  target: PretrainedModel,
  drafts: readonly TrainedDraft[],
): Promise<Measurement> {
  const { promptsPerTask, draftLengths, maxTokens } = plan.evaluation
  const prompts: MeasuredPrompt[] = exchanges({ seed: seeds.prompts, count: promptsPerTask * tasks.length }).map(
    ({ task, prompt }) => ({
      category: task,
      prompt: [{ role: 'user', content: prompt }],
    }),
  )
  const total = prompts.length * samplings.length * (1 + drafts.length * draftLengths.length)
  const progress = context.terminal.progress({ label: 'evaluate', total, unit: 'answers' })
  let answers = 0
  const rows: EvaluationRow[] = []
  const costs = await stepCosts(target, drafts[0]!.model, { temperature: 0 })
  for (const sampling of samplings) {
    const measure = {
      target,
      prompts,
      sampling,
      maxTokens,
      signal: context.signal,
      onAnswer: () => progress.update(++answers),
    }
    const plain = await measurePlain(measure)
    for (const draft of drafts)
      for (const draftLength of draftLengths) {
        const { paces, metrics } = await measureSpeculation({ ...measure, draft: draft.model, draftLength, costs })
        for (const task of [...tasks, all]) {
          const figures = metrics.get(task)!
          const plainRate = tokensPerSecond(plain.get(task))
          const rate = tokensPerSecond(paces.get(task))
          rows.push({
            draft: draft.name,
            task,
            draftLength,
            temperature: sampling.temperature,
            blockEfficiency: figures.blockEfficiency,
            acceptanceRate: figures.acceptanceRate,
            acceptanceByPosition: figures.acceptanceRatePerPos,
            mbsu: figures.mbsu,
            plainTokensPerSecond: plainRate,
            speculativeTokensPerSecond: rate,
            speedUp: rate / plainRate,
          })
        }
      }
  }
  context.terminal.endProgress()
  return { rows, costs }
}

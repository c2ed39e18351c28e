import { allTasks, type EvaluationRow, type MeasuredPrompt, measureInTurns, stepCosts } from '@outrider/evaluation'
import { SpeculativeDecoder, type StepCosts } from '@outrider/speculative'
import type { CausalLM, PretrainedModel } from '@outrider/transformer'
import type { Context } from '../context'
import { evaluationProgress } from '../evaluation/progress'
import { heldOut } from './data'
import { plan, samplings } from './plan'
import type { TrainedDraft } from './stages'
import { tasks } from './world/index'

export interface Measurement {
  rows: EvaluationRow[]
  /** What steps of target and draft cost, by the draft's name. */
  costs: ReadonlyMap<string, StepCosts>
}

/** Every draft at every draft length and way of sampling, by task and over all tasks, next to plain decoding. */
export async function measureAll(
  context: Context,
  target: PretrainedModel<CausalLM>,
  drafts: readonly TrainedDraft[],
): Promise<Measurement> {
  const { promptsPerTask, draftLengths, maxTokens } = plan.evaluation
  const prompts: MeasuredPrompt[] = heldOut(promptsPerTask).map(({ task, prompt }) => ({
    category: task,
    prompt: [{ role: 'user', content: prompt }],
    shown: prompt,
  }))
  const total = prompts.length * samplings.length * (1 + drafts.length * draftLengths.length)
  const onAnswer = evaluationProgress(context.terminal, total)
  const rows: EvaluationRow[] = []
  const costs = await costsOf(target, drafts)
  for (const sampling of samplings) {
    const measure = {
      target,
      prompts,
      sampling,
      maxTokens,
      signal: context.signal,
      onAnswer,
    }
    for (const { model: drafter } of kinds(drafts)) {
      const longest = { target, drafter, draftLength: Math.max(...draftLengths) }
      await new SpeculativeDecoder(longest).warmUp({ ...sampling, signal: context.signal })
    }
    const contenders = drafts.flatMap(({ name, model: draft }) =>
      draftLengths.map((draftLength) => ({ name, draft, draftLength, costs: costs.get(name) })),
    )
    const measured = await measureInTurns(measure, contenders)
    for (const [i, { name: draft, draftLength }] of contenders.entries()) {
      for (const task of [...tasks, allTasks]) {
        const figures = measured[i]!.get(task)!
        rows.push({ ...figures, draft, task, draftLength, temperature: sampling.temperature })
      }
    }
  }
  context.terminal.endProgress()
  return { rows, costs }
}

/** All drafts have one shape: two costs differ where the one takes a step a token and the other a pass a block. */
async function costsOf(
  target: PretrainedModel<CausalLM>,
  drafts: readonly TrainedDraft[],
): Promise<Map<string, StepCosts>> {
  const costs = new Map<string, StepCosts>()
  for (const one of kinds(drafts)) {
    const measured = await stepCosts(target, one.model, { temperature: 0 })
    for (const { name, model } of drafts) if (isParallel(model) === isParallel(one.model)) costs.set(name, measured)
  }
  return costs
}

/** The first of each kind. */
const kinds = (drafts: readonly TrainedDraft[]): TrainedDraft[] =>
  [false, true].flatMap((kind) => drafts.find(({ model }) => isParallel(model) === kind) ?? [])

const isParallel = ({ config }: PretrainedModel): boolean => config.maskTokenId !== undefined

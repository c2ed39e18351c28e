import { type DataSource, mix } from '@outrider/dataset'
import { allTasks, type EvaluationRow, type MeasuredPrompt, measureInTurns, stepCosts } from '@outrider/evaluation'
import type { DistillationLoss } from '@outrider/losses'
import { distill } from '@outrider/training'
import { type PretrainedModel, parallelDraft, within } from '@outrider/transformer'
import { alignSources, answersFile, answersOf } from './data'
import { draftLengths } from './plan'
import { StagePace, type StageProgress } from './progress'
import type { AlignRun } from './run'

/** A draft that proposes a block in one pass, adapted from the one that was trained, and what was measured of both. */
export interface BlocksState {
  progress: StageProgress
  /** In turns, over the held-out instructions; empty before it is measured. */
  ways: BlockWay[]
}

/** A draft at a draft length, beside plain decoding. */
export type BlockWay = Pick<
  EvaluationRow,
  | 'draft'
  | 'temperature'
  | 'draftLength'
  | 'blockEfficiency'
  | 'acceptanceRate'
  | 'plainTokensPerSecond'
  | 'tokensPerSecond'
  | 'speedUp'
>

export interface BlocksRun extends Pick<AlignRun, 'plan' | 'target' | 'draft' | 'folder' | 'ledger' | 'signal'> {
  loss: DistillationLoss
  onState(state: BlocksState): void
}

/** Tokens that one pass proposes: as many as are measured. */
const blockLength = Math.max(...draftLengths)

/** Each way is measured on so many instructions at most. */
const mostPrompts = 8

/**
 * Adapts a copy of the draft to propose a block in one pass (PARD, An et al. 2025, arXiv 2504.18583), in as many steps as it was
 * distilled in, and has both answer held-out instructions in turns. Stopped, it goes on from its last checkpoint.
 */
export async function draftInBlocks(run: BlocksRun): Promise<void> {
  const { device } = run.target.model
  const model = parallelDraft(run.draft)
  try {
    const progress = await run.ledger.stage('align: adapt to blocks', device, () => adapt(run, model))
    run.onState({ progress, ways: [] })
    run.onState({ progress, ways: await run.ledger.stage('align: measure', device, () => measure(run, model)) })
  } finally {
    model.dispose()
  }
}

async function adapt(run: BlocksRun, draft: PretrainedModel): Promise<StageProgress> {
  const { plan, target, folder, loss, signal } = run
  const { batchSize, length, learningRate, seed, distillation } = plan
  const { text } = await alignSources(plan, folder)
  const answers = answersOf(folder, answersFile)
  const pace = new StagePace()
  await distill({
    ...{ draft, target, loss, batchSize, length, learningRate, seed, signal, steps: distillation.steps },
    data: text ? mix({ distillation: [answers, 9], pretraining: [text, 1] }) : answers,
    parallel: { draftLength: blockLength },
    checkpoints: within(folder, `blocks-${distillation.attempt}`),
    ...{ checkpointEvery: 10, keepCheckpoints: 1, resume: true },
    onStep: ({ step, steps, tokens }) =>
      run.onState({ progress: pace.from(step - 1).at(step, steps, tokens), ways: [] }),
  })
  return { done: distillation.steps, total: distillation.steps }
}

async function measure(run: BlocksRun, parallel: PretrainedModel): Promise<BlockWay[]> {
  const { plan, target, draft, folder, signal } = run
  const { heldOut } = await alignSources(plan, folder)
  const sampling = { temperature: 0 }
  const contenders = []
  for (const [name, model] of [
    ['a token at a time', draft],
    ['a block in one pass', parallel],
  ] as const) {
    const costs = await stepCosts(target, model, sampling)
    for (const draftLength of draftLengths) contenders.push({ name, draft: model, draftLength, costs })
  }
  const { maxTokens } = plan.generation
  const prompts = await promptsOf(heldOut)
  const measured = await measureInTurns({ target, prompts, sampling, maxTokens, signal }, contenders)
  return contenders.map(({ name, draftLength }, i) => {
    const { blockEfficiency, acceptanceRate, plainTokensPerSecond, tokensPerSecond, speedUp } =
      measured[i]!.get(allTasks)!
    const figures = { blockEfficiency, acceptanceRate, plainTokensPerSecond, tokensPerSecond, speedUp }
    return { draft: name, ...sampling, draftLength, ...figures }
  })
}

async function promptsOf(heldOut: DataSource): Promise<MeasuredPrompt[]> {
  const prompts: MeasuredPrompt[] = []
  for await (const row of heldOut) {
    if (row.kind !== 'conversation') continue
    const [asked] = row.messages
    prompts.push({ prompt: [asked!], shown: `${asked!.content}`, category: allTasks })
    if (prompts.length === mostPrompts) break
  }
  return prompts
}

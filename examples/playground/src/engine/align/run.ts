import { batchesOnce, generateDataset, type LeftOut, mix } from '@outrider/dataset'
import type { DistillationLoss } from '@outrider/losses'
import { distill, type LogEntry, pretrain, type TrainingProgress } from '@outrider/training'
import type { Directory, PretrainedModel } from '@outrider/transformer'
import type { Ledger } from '../ledger'
import { type AlignSources, alignSources, answersFile, answersOf, heldOutFile } from './data'
import { type AlignPlan, draftLengths, type StageName, temperatures, topP } from './plan'
import { StagePace, type StageProgress } from './progress'
import { checkpointsOf } from './store'

/** Steps between measurements and checkpoints. */
const every = 10

export interface AlignRun {
  plan: AlignPlan
  target: PretrainedModel
  /** The draft as `createDraft` makes it; trained in place. */
  draft: PretrainedModel
  loss: DistillationLoss
  folder: Directory
  ledger: Ledger
  signal: AbortSignal
  onProgress(stage: StageName, progress: StageProgress): void
  /** A step's figures, as they come. */
  onEntry(stage: 'pretrain' | 'distil', entry: LogEntry): void
  /** Rows are cut or passed over: which, and why. */
  onLeftOut(message: string): void
  /** A stage begins; its history so far, of a run that was resumed, is in the folder. */
  onStage(stage: StageName): void
}

/**
 * Generates the dataset, pretrains, distils (Goel et al. 2024, arXiv 2403.00858). Each stage goes on from what is in the
 * folder, so that a run that was stopped at any moment and is started again ends in the same bytes.
 */
export async function runAlignment(run: AlignRun): Promise<void> {
  const sources = await alignSources(run.plan, run.folder)
  const { device } = run.target.model
  for (const [stage, work] of [
    ['generate', generate],
    ['pretrain', pretrainDraft],
    ['distil', distilDraft],
  ] as const) {
    run.onStage(stage)
    await run.ledger.stage(`align: ${stage}`, device, () => work(run, sources))
  }
}

async function generate(run: AlignRun, { instructions, heldOut, counts }: AlignSources): Promise<void> {
  const { plan, target, folder, signal } = run
  const total = (counts.instructions + counts.heldOut) * temperatures.length
  let before = 0
  for (const [seeds, file] of [
    [heldOut, heldOutFile],
    [instructions, answersFile],
  ] as const) {
    const pace = new StagePace()
    const offset = before
    const { rows } = await generateDataset({
      target,
      seeds,
      temperatures,
      topP,
      maxTokens: plan.generation.maxTokens,
      batchSize: 32,
      seed: plan.seed,
      out: { directory: folder, file },
      signal,
      onProgress({ rows, tokens }) {
        run.onProgress('generate', pace.at(offset + rows, total, tokens))
      },
    })
    before += rows
  }
}

async function pretrainDraft(run: AlignRun, { text }: AlignSources): Promise<void> {
  const { plan, target, draft, folder } = run
  const data = text ?? answersOf(folder, answersFile)
  await pretrain(draft, data, { ...(await settings(run, 'pretrain')), steps: plan.pretraining.steps, target })
}

async function distilDraft(run: AlignRun, { text }: AlignSources): Promise<void> {
  const { plan, target, draft, folder, loss } = run
  const answers = answersOf(folder, answersFile)
  const data = text ? mix({ distillation: [answers, 9], pretraining: [text, 1] }) : answers
  await distill({
    ...(await settings(run, 'distil')),
    draft,
    target,
    data,
    loss,
    steps: plan.distillation.steps,
  })
}

/** What both kinds of training are given alike. */
async function settings(run: AlignRun, stage: 'pretrain' | 'distil') {
  const { plan, target, folder, signal } = run
  const { batchSize, length, learningRate, seed } = plan
  const onLeftOut = ({ message }: LeftOut) => run.onLeftOut(message)
  const heldOut = answersOf(folder, heldOutFile)
  const validation = await batchesOnce(heldOut, target, { batchSize: 16, length, onLeftOut })
  const pace = new StagePace()
  return {
    batchSize,
    length,
    learningRate,
    seed,
    onLeftOut,
    validation,
    validateEvery: every,
    draftLengths,
    checkpoints: checkpointsOf(folder, plan, stage),
    checkpointEvery: every,
    keepCheckpoints: 1,
    resume: true,
    signal,
    onStep({ step, steps, loss, acceptanceRate, validation: measured, tokens }: TrainingProgress) {
      run.onEntry(stage, { step, loss, ...(acceptanceRate !== undefined && { acceptance_rate: acceptanceRate }) })
      if (measured) run.onEntry(stage, measured)
      run.onProgress(stage, pace.from(step - 1).at(step, steps, tokens))
    },
  }
}

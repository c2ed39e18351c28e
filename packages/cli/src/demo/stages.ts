import { generateDataset, jsonl, type LeftOut, mix } from '@outrider/dataset'
import { lossByName } from '@outrider/losses'
import {
  distill,
  type LogEntry,
  type ParallelOptions,
  pretrain,
  type TargetStates,
  type TrainingProgress,
} from '@outrider/training'
import { createDraft, loadCausalLM, type PretrainedModel, parallelDraft, saveCausalLM } from '@outrider/transformer'
import type { Context } from '../context'
import { generationProgress } from '../generation-progress'
import { stepProgress } from '../training-progress'
import { instructions, pretrainingText } from './data'
import { parallelName, plan } from './plan'

/** A draft with the name of how it came about, and how its training went. */
export interface TrainedDraft {
  name: string
  model: PretrainedModel
  history: LogEntry[]
}

/** The draft before it has heard the target: pretrained on the plain text of the small world. */
export async function pretrainDraft(context: Context, target: PretrainedModel, out: string): Promise<TrainedDraft> {
  const { texts: _, ...options } = plan.pretraining
  const model = createDraft(target, { ...plan.draft, seed: 1 })
  const { history } = await pretrain(model, pretrainingText(), {
    ...options,
    seed: 1,
    signal: context.signal,
    onLeftOut: teller(context),
    onStep: stepLine(context, 'pretrain'),
  })
  context.terminal.endProgress()
  await saveCausalLM(model, `${out}/draft-pretrained`)
  return { name: 'pretrained', model, history }
}

/** The target's own answers to instructions of the tasks that it is to be sped up at; translation is left out. */
export async function generateAnswers(
  context: Context,
  target: PretrainedModel,
  out: string,
): Promise<{ file: string; rows: number; tokens: number }> {
  const { instructions: _, ...options } = plan.generation
  const file = `${out}/distillation.jsonl`
  const progress = generationProgress(context.terminal)
  let tokens = 0
  const { rows: written } = await generateDataset({
    target,
    seeds: instructions(),
    ...options,
    out: file,
    signal: context.signal,
    onProgress(state) {
      tokens = state.tokens
      progress(state)
    },
  })
  context.terminal.endProgress()
  return { file, rows: written, tokens }
}

/** What drafts learn from. */
export interface Teaching {
  target: PretrainedModel
  /** The file of its answers. */
  answers: string
  /** The same batches for every draft: the target reads them once. */
  targetStates: TargetStates
}

/** A copy of the pretrained draft, fine-tuned towards the target with one loss. */
export async function alignDraft(
  context: Context,
  teaching: Teaching,
  lossName: string,
  out: string,
): Promise<TrainedDraft> {
  const model = await openDraft(context, teaching, `${out}/draft-pretrained`)
  const { history } = await distillDraft(context, teaching, model, lossName, { label: `distill ${lossName}` })
  await saveCausalLM(model, `${out}/draft-${lossName}`)
  return { name: lossName, model, history }
}

/** A copy of the draft that a loss aligned, adapted to propose a block in one pass. */
export async function adaptDraft(
  context: Context,
  teaching: Teaching,
  lossName: string,
  out: string,
): Promise<TrainedDraft> {
  const { draftLength, steps } = plan.adaptation
  const sequential = await openDraft(context, teaching, `${out}/draft-${lossName}`)
  const model = parallelDraft(sequential)
  sequential.dispose()
  const label = `distill ${lossName}, ${draftLength} tokens a pass`
  const { history } = await distillDraft(context, teaching, model, lossName, {
    ...{ label, steps },
    parallel: { draftLength },
  })
  await saveCausalLM(model, `${out}/draft-${parallelName}`)
  return { name: parallelName, model, history }
}

const openDraft = ({ onWarning }: Context, { target }: Teaching, folder: string): Promise<PretrainedModel> =>
  loadCausalLM(folder, { device: target.model.device, onWarning })

async function distillDraft(
  context: Context,
  { target, answers, targetStates }: Teaching,
  draft: PretrainedModel,
  lossName: string,
  { label, ...changed }: { label: string; steps?: number; parallel?: ParallelOptions },
): Promise<{ history: LogEntry[] }> {
  const { mix: ratio, losses: _, ...options } = plan.distillation
  const result = await distill({
    draft,
    target,
    data: mix({ distillation: [jsonl(answers), ratio[0]], pretraining: [pretrainingText(), ratio[1]] }),
    loss: lossByName(lossName),
    targetStates,
    ...options,
    ...changed,
    seed: 1,
    signal: context.signal,
    onLeftOut: teller(context),
    onStep: stepLine(context, label),
  })
  context.terminal.endProgress()
  return result
}

/** Rows that are cut or passed over are told of. */
const teller =
  ({ terminal }: Context) =>
  ({ message }: LeftOut) =>
    terminal.warn(message)

function stepLine({ terminal }: Context, label: string): (progress: TrainingProgress) => void {
  let progress: ReturnType<typeof stepProgress> | undefined
  return ({ step, steps, loss, acceptanceRate }) => {
    progress ??= stepProgress(terminal, { label, steps, step, withTarget: acceptanceRate !== undefined })
    progress({ step, loss, acceptanceRate })
  }
}

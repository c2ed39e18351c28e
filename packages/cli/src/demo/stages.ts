import { generateDataset, jsonl, type LeftOut, mix } from '@outrider/dataset'
import { lossByName } from '@outrider/losses'
import { distill, type LogEntry, pretrain, type TargetStates, type TrainingProgress } from '@outrider/training'
import { createDraft, loadCausalLM, type PretrainedModel, saveCausalLM } from '@outrider/transformer'
import type { Context } from '../context'
import { generationProgress } from '../generation-progress'
import { stepProgress } from '../training-progress'
import { instructions, pretrainingText } from './data'
import { plan } from './plan'

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

/** A copy of the pretrained draft, fine-tuned towards the target with one loss. */
export async function alignDraft(
  context: Context,
  target: PretrainedModel,
  lossName: string,
  answers: string,
  out: string,
  targetStates: TargetStates,
): Promise<TrainedDraft> {
  const { mix: ratio, losses: _, ...options } = plan.distillation
  const model = await loadCausalLM(`${out}/draft-pretrained`, {
    device: target.model.device,
    onWarning: context.onWarning,
  })
  const { history } = await distill({
    draft: model,
    target,
    data: mix({ distillation: [jsonl(answers), ratio[0]], pretraining: [pretrainingText(), ratio[1]] }),
    loss: lossByName(lossName),
    targetStates,
    ...options,
    seed: 1,
    signal: context.signal,
    onLeftOut: teller(context),
    onStep: stepLine(context, `distill ${lossName}`),
  })
  context.terminal.endProgress()
  await saveCausalLM(model, `${out}/draft-${lossName}`)
  return { name: lossName, model, history }
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

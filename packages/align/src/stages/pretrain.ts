import { countIds, type DataSource, frequentIds, jsonl } from '@outrider/dataset'
import { OutriderError } from '@outrider/tensor'
import { type LogEntry, pretrain } from '@outrider/training'
import { createDraft, loadCausalLM, type PretrainedModel, saveCausalLM, within } from '@outrider/transformer'
import { shapeOptions } from '../look/draft-shape'
import { Positions } from './positions'
import { files, type Run, tellLeftOut, tellLogged, tellResumption } from './run'
import { saveDraft } from './written-draft'

/** Where the draft is as it was made, and the run that pretrains it. */
const startFolder = 'draft'
const startMark = 'draft-made.json'
export const pretrainFolder = 'pretrain'

/** How the draft was pretrained. */
export interface Pretrained {
  history: LogEntry[]
  /** Positions that passed through the draft; about, where it was stopped on the way. */
  positions: number
}

/**
 * A new draft that says the ids that the target says most, and begins with the target's embedding, where that is at hand; then
 * next-token prediction on text, the user's or the target's own answers, which costs the draft alone.
 */
export async function pretrainDraft(run: Run, text: DataSource | undefined): Promise<Pretrained> {
  const { folder, plan, signal, tell } = run
  const draft = await startingDraft(run)
  try {
    const data = text ?? jsonl({ directory: folder, file: files.answers })
    const { steps, batchSize, length, learningRate } = plan.pretrain
    const seen = new Positions()
    const checkpoints = within(folder, pretrainFolder)
    await tellLogged(run, checkpoints, { stage: 'pretrain', phase: 0 })
    const { history } = await pretrain(draft, data, {
      steps,
      batchSize,
      length,
      learningRate,
      seed: plan.asked.seed,
      checkpoints,
      checkpointEvery: checkpointEvery(plan.seconds.pretrain, steps),
      resume: true,
      signal,
      onLeftOut: tellLeftOut(run),
      onResume: tellResumption(run),
      onStep({ step, loss, tokens }) {
        seen.add(tokens)
        tell({ kind: 'log', stage: 'pretrain', phase: 0, entries: [{ step, loss }] })
        tell({
          kind: 'progress',
          label: 'pretrain',
          done: step,
          total: steps,
          unit: 'steps',
          note: `loss ${loss.toFixed(3)}`,
          figure: { name: 'loss', value: loss, decimals: 2 },
        })
      },
    })
    await saveDraft(run, draft)
    return { history, positions: seen.inAll(steps) }
  } finally {
    draft.dispose()
  }
}

/** A checkpoint about every half minute: what a kill costs. */
export const checkpointEvery = (seconds: number, steps: number): number =>
  Math.max(1, Math.min(steps, Math.round((30 * steps) / Math.max(1, seconds))))

/** The draft as it begins: made once, and kept, so that whoever goes on begins with the same. */
async function startingDraft({ target, teacher, device, folder, plan }: Run): Promise<PretrainedModel> {
  const start = within(folder, startFolder)
  if (await folder.has(startMark)) return loadCausalLM(start, { device, dtype: 'f32' })
  const answers = jsonl({ directory: folder, file: files.answers })
  if (!(await folder.has(files.answers)))
    throw new OutriderError('FILE_MISSING', `${folder.name} has no answers of the target.`, {
      remedy: 'Let the stage generate go first.',
    })
  const counts = await countIds(answers, target)
  const { vocabulary, hiddenSize } = plan.draft
  const isNarrower = hiddenSize <= target.config.hiddenSize
  const embedding = isNarrower ? await teacher.embedding({ width: hiddenSize, counts }) : undefined
  const draft = createDraft(target, {
    ...shapeOptions(plan.draft),
    device,
    seed: plan.asked.seed,
    ...(vocabulary !== null && { vocabulary: frequentIds(counts, vocabulary, target) }),
    ...(embedding && { embedding }),
  })
  await saveCausalLM(draft, start)
  await folder.write(startMark, '{}\n')
  return draft
}

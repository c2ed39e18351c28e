import { OutriderError, readAll, type Tensor } from '@outrider/tensor'
import {
  type Directory,
  floatsToStored,
  modelWeights,
  type PretrainedModel,
  readJson,
  readWeight,
  restoreTuning,
  safetensorsWeights,
  saveCausalLM,
  type TrainableLM,
  type Weights,
  within,
  writeSafetensors,
} from '@outrider/transformer'
import type { LogEntry } from '../loop/log'
import type { AdamW } from '../optimizer/adamw'
import type { LossScaler, LossScalerState } from '../precision/loss-scaler'
import { verifyChecksums, writeChecksums } from './checksums'
import { assertSameRun, type RunIdentity } from './run-identity'

/** What a checkpoint holds beside weights and moments, in the names of transformers' `trainer_state.json`. */
export interface TrainerState {
  global_step: number
  log_history: LogEntry[]
  /** Where the stream of batches stands. */
  data_position: unknown
  /** What the run was started with; a run goes on only with the same. */
  settings: Record<string, unknown>
  /** What else decides its bits; of older versions nothing is recorded. */
  identity?: RunIdentity | undefined
  /** Of the weights: their hash (`modelIdentity`). */
  weights?: string | undefined
  /** In mixed precision. */
  loss_scaler?: LossScalerState | undefined
  /** Of a run that keeps the best checkpoint: the step of its validation, the figure, the checkpoint's name; null before one. */
  best_global_step?: number | null
  best_metric?: number | null
  best_model_checkpoint?: string | null
  /** The run ended here, before all of its steps, as nothing was gained any more. */
  ended_early?: true
}

/** What a checkpoint is put into. */
interface Restored {
  model: PretrainedModel<TrainableLM>
  optimizer: AdamW
  /** In mixed precision. */
  scaler?: LossScaler | undefined
  settings: Record<string, unknown>
  /** What else the run is; without it nothing more is compared. */
  identity?: RunIdentity | undefined
}

/** The run directory's record of its complete checkpoints, oldest first: what is not named here is not there. */
export const recordFile = 'checkpoints.json'
export const stateFile = 'trainer_state.json'
const optimizerFile = 'optimizer.safetensors'

/**
 * Writes `checkpoint-N/`: a plain model directory with `optimizer.safetensors`, `trainer_state.json` and the checksums of all
 * of them. The checkpoint counts from the moment it is entered in `checkpoints.json`, when everything in it is complete; older
 * ones beyond `keep` are removed after that, but for those that one that stays names as its best: so a kill at any moment leaves
 * a whole one, and with it the best that it knows of.
 *
 * @returns the checkpoint's name
 * @throws OutriderError FILE_WRITE
 */
export async function saveCheckpoint(
  run: Directory,
  {
    model,
    optimizer,
    state,
    keep,
  }: { model: PretrainedModel<TrainableLM>; optimizer: AdamW; state: TrainerState; keep: number },
): Promise<string> {
  const name = checkpointName(state.global_step)
  const checkpoint = within(run, name)
  // With an index, so that vLLM and SGLang read the weights alone, and not the moments, too.
  await saveCausalLM(model, checkpoint, { alwaysIndex: true })
  await writeMoments(checkpoint, optimizer)
  await checkpoint.write(stateFile, `${JSON.stringify(state, null, 2)}\n`)
  await writeChecksums(checkpoint)

  const known = (await checkpointNames(run)).filter((other) => other !== name)
  // Newer ones are of a course that the run has left, by going on from an older one.
  const older = known.filter((other) => stepOf(other) < state.global_step)
  const newest = [...older, name].slice(-keep)
  const keepsBest = state.best_model_checkpoint !== undefined
  const best = keepsBest ? await Promise.all(newest.map((one) => bestNamedIn(within(run, one)))) : []
  const kept = [...older, name].filter((one) => newest.includes(one) || best.includes(one))
  await record(run, kept)
  for (const old of known.filter((other) => !kept.includes(other))) await removeFiles(within(run, old))
  return name
}

/** The checkpoint that one names as the best so far; a damaged one names none. */
const bestNamedIn = async (checkpoint: Directory): Promise<string | null | undefined> =>
  ((await readJson(checkpoint, stateFile).catch(() => null)) as TrainerState | null)?.best_model_checkpoint

/**
 * Retires what another run has left where one begins anew, so that nobody takes the old checkpoints for those of the new run,
 * also where it ends before its first. The record goes first: a kill at any moment leaves none of them in it.
 *
 * @throws OutriderError FILE_WRITE
 */
export async function retireCheckpoints(run: Directory): Promise<void> {
  if (!(await run.has(recordFile))) return
  const old = await checkpointNames(run).catch(() => []) // it may be damaged: the new run does not need it
  await record(run, [])
  for (const name of old) await removeFiles(within(run, name))
}

/** The newest complete checkpoint of a run, or null. */
export async function latestCheckpoint(run: Directory): Promise<string | null> {
  return (await checkpointNames(run)).at(-1) ?? null
}

/** What a run goes on from. */
export interface Resumption {
  /** The checkpoint's name. */
  checkpoint: string
  /** Whether its files are known to be as they were written; of what older versions wrote nothing is known. */
  verified: boolean
  /** Newer checkpoints that are damaged, and what is wrong with each: nothing is taken from them. */
  damaged: { checkpoint: string; error: OutriderError }[]
  /** What is not as it was, or not known to be, and does not forbid to go on, such as another adapter: sentences. */
  remarks: string[]
}

/** What people should know of a resumption: sentences. */
export function resumptionWarnings({ checkpoint, verified, damaged, remarks }: Resumption): string[] {
  return [
    ...damaged.map(
      ({ checkpoint: newer, error }) => `${newer} is damaged, and nothing is taken from it: ${error.message}`,
    ),
    ...(damaged.length > 0 ? [`The run goes on from ${checkpoint}.`] : []),
    ...(verified
      ? []
      : [`${checkpoint} has no checksums (an older version wrote it), so it is taken without being verified.`]),
    ...remarks,
  ]
}

/**
 * The newest checkpoint of which no file has changed since it was written, or null where there is none at all.
 *
 * @throws OutriderError FILE_FORMAT where all are damaged
 */
export async function wholeCheckpoint(run: Directory): Promise<Resumption | null> {
  const passedOver: Resumption['damaged'] = []
  for (const checkpoint of (await checkpointNames(run)).reverse())
    try {
      const folder = within(run, checkpoint)
      if (!(await folder.has(stateFile))) throw damaged(folder.name, `${stateFile} is missing`)
      return { checkpoint, verified: await verifyChecksums(folder), damaged: passedOver, remarks: [] }
    } catch (error) {
      if (!(error instanceof OutriderError)) throw error
      passedOver.push({ checkpoint, error })
    }
  if (passedOver.length === 0) return null
  throw new OutriderError(
    'FILE_FORMAT',
    `${run.name} has no checkpoint that is whole. ${passedOver.map(({ error }) => error.message).join(' ')}`,
    {
      remedy: 'Train again, into another directory.',
      details: { damaged: passedOver.map(({ checkpoint }) => checkpoint) },
    },
  )
}

/**
 * Puts a checkpoint's weights and moments into a model and an optimiser of the same shapes, and the loss scale's state into its
 * scaler.
 *
 * @returns its state; and what is not as it was, or not known to be, and does not forbid to go on
 * @throws OutriderError FILE_MISSING, FILE_FORMAT, SHAPE_MISMATCH; INVALID_ARGUMENT where the run had other settings, rows or models;
 *   and for kernels that it cannot go on with, which may be UNSUPPORTED
 */
export async function loadCheckpoint(
  run: Directory,
  name: string,
  { model, optimizer, scaler, settings, identity }: Restored,
): Promise<{ state: TrainerState; remarks: string[] }> {
  const checkpoint = within(run, name)
  const state = (await readJson(checkpoint, stateFile)) as TrainerState
  if (!Number.isInteger(state?.global_step) || !Array.isArray(state.log_history) || typeof state.settings !== 'object')
    throw damaged(checkpoint.name, `${stateFile} lacks its fields`)
  for (const key of new Set([...Object.keys(settings), ...Object.keys(state.settings)]))
    if (JSON.stringify(settings[key]) !== JSON.stringify(state.settings[key]))
      throw new OutriderError(
        'INVALID_ARGUMENT',
        `${checkpoint.name} was made with ${key} ${JSON.stringify(state.settings[key])}; this run has ${JSON.stringify(settings[key])}.`,
        { remedy: 'Resume with the same settings, or train into another directory.' },
      )
  const remarks = identity ? assertSameRun(checkpoint.name, state.identity, identity, await knownFrom(run, state)) : []
  if (identity) remarks.push(...restoreTuning(model.model.device, checkpoint.name, state.identity))
  await restoreWeights(checkpoint, model)
  const moments = await safetensorsWeights(checkpoint, optimizerFile)
  for (const [kind, values] of momentsOf(optimizer))
    for (const [parameter, tensor] of Object.entries(values)) await restore(moments, `${kind}.${parameter}`, tensor)
  scaler?.restore(state.loss_scaler, checkpoint.name)
  optimizer.step = state.global_step - (scaler?.skippedSteps ?? 0)
  return { state, remarks }
}

/** What else than the draft that it began with a run may go on with, and whether held-out rows decide what it ends in. */
async function knownFrom(run: Directory, { weights, best_model_checkpoint }: TrainerState) {
  if (best_model_checkpoint === undefined) return { weights: [weights] }
  const best = best_model_checkpoint === null ? null : within(run, best_model_checkpoint)
  const known = best && ((await readJson(best, stateFile).catch(() => null)) as TrainerState | null)
  return { weights: [weights, known?.weights], choosesByValidation: true }
}

/**
 * Puts a checkpoint's weights into a model of the same shapes.
 *
 * @throws OutriderError FILE_MISSING, FILE_FORMAT, SHAPE_MISMATCH
 */
export async function restoreWeights(
  checkpoint: Directory,
  { model: { parameters, stored } }: PretrainedModel<TrainableLM>,
): Promise<void> {
  const weights = await modelWeights(checkpoint, stored, shapesOf(parameters))
  for (const [parameter, tensor] of Object.entries(parameters)) await restore(weights, parameter, tensor)
}

const shapesOf = (parameters: TrainableLM['parameters']) =>
  new Map(Object.entries(parameters).map(([name, { shape }]) => [name, shape]))

async function restore(weights: Weights, name: string, tensor: Tensor): Promise<void> {
  const stored = weights.tensors.get(name)
  if (!stored) throw damaged(weights.where, `the tensor ${name} is missing`)
  const values = await readWeight(weights, name)
  if (values.length !== tensor.size)
    throw new OutriderError(
      'SHAPE_MISMATCH',
      `${weights.where}: ${name} has shape [${stored.shape.join(', ')}]; [${tensor.shape.join(', ')}] is needed.`,
    )
  tensor.write(values)
}

const momentsOf = ({ means, squares }: AdamW) =>
  [
    ['mean', means],
    ['square', squares],
  ] as const

async function writeMoments(directory: Directory, optimizer: AdamW): Promise<void> {
  const named = momentsOf(optimizer).flatMap(([kind, values]) =>
    Object.entries(values).map(([parameter, tensor]) => ({ name: `${kind}.${parameter}`, tensor })),
  )
  const data = await readAll(named.map(({ tensor }) => tensor))
  await writeSafetensors(
    directory,
    optimizerFile,
    named.map(({ name, tensor }, i) => ({
      name,
      dtype: 'F32',
      shape: tensor.shape,
      bytes: () => floatsToStored(data[i] as Float32Array, 'F32'),
    })),
  )
}

const record = (run: Directory, checkpoints: readonly string[]): Promise<void> =>
  run.write(recordFile, `${JSON.stringify({ checkpoints }, null, 2)}\n`)

/** Complete checkpoints of a run, oldest first. */
export async function checkpointNames(run: Directory): Promise<string[]> {
  if (!(await run.has(recordFile))) return []
  const names = ((await readJson(run, recordFile)) as { checkpoints?: unknown } | null)?.checkpoints
  if (Array.isArray(names) && names.every((name) => /^checkpoint-\d+$/.test(name))) return names
  throw damaged(run.name, `${recordFile} has no list of checkpoints`)
}

export const checkpointName = (step: number): string => `checkpoint-${step}`

const stepOf = (name: string): number => Number(name.slice(name.lastIndexOf('-') + 1))

const damaged = (where: string, what: string) =>
  new OutriderError('FILE_FORMAT', `${where}: ${what}.`, {
    remedy: 'The run is of another model, or damaged; train into another directory.',
  })

async function removeFiles(directory: Directory): Promise<void> {
  const files = await directory.list().catch((error: unknown) => {
    if (error instanceof OutriderError && error.code === 'FILE_MISSING') return [] // removed by somebody else
    throw error
  })
  for (const file of files) await directory.remove(file)
}

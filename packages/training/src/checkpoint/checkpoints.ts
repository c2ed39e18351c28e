import { OutriderError, readAll, type Tensor } from '@outrider/tensor'
import {
  type Directory,
  floatsToStored,
  modelWeights,
  type PretrainedModel,
  readJson,
  readWeight,
  safetensorsWeights,
  saveCausalLM,
  type Weights,
  within,
  writeSafetensors,
} from '@outrider/transformer'
import type { LogEntry } from '../loop/log'
import type { AdamW } from '../optimizer/adamw'
import type { LossScaler, LossScalerState } from '../precision/loss-scaler'

/** What a checkpoint holds beside weights and moments, in the names of transformers' `trainer_state.json`. */
export interface TrainerState {
  global_step: number
  log_history: LogEntry[]
  /** Where the stream of batches stands. */
  data_position: unknown
  /** What the run was started with; a run goes on only with the same. */
  settings: Record<string, unknown>
  /** In mixed precision. */
  loss_scaler?: LossScalerState | undefined
}

/** What a checkpoint is put into. */
interface Restored {
  model: PretrainedModel
  optimizer: AdamW
  /** In mixed precision. */
  scaler?: LossScaler | undefined
  settings: Record<string, unknown>
}

/** The run directory's record of its complete checkpoints, oldest first: what is not named here is not there. */
const recordFile = 'checkpoints.json'
const stateFile = 'trainer_state.json'
const optimizerFile = 'optimizer.safetensors'

/**
 * Writes `checkpoint-N/`: a plain model directory with `optimizer.safetensors` and `trainer_state.json`. The checkpoint
 * counts from the moment it is entered in `checkpoints.json`, when everything in it is complete; older ones beyond `keep`
 * are removed after that, so a kill at any moment leaves a whole one.
 *
 * @returns the checkpoint's name
 * @throws OutriderError FILE_WRITE
 */
export async function saveCheckpoint(
  run: Directory,
  { model, optimizer, state, keep }: { model: PretrainedModel; optimizer: AdamW; state: TrainerState; keep: number },
): Promise<string> {
  const name = `checkpoint-${state.global_step}`
  const checkpoint = within(run, name)
  await saveCausalLM(model, checkpoint)
  await writeMoments(checkpoint, optimizer)
  await checkpoint.write(stateFile, `${JSON.stringify(state, null, 2)}\n`)

  const known = (await checkpointNames(run)).filter((other) => other !== name)
  const kept = [...known, name].slice(-keep)
  await run.write(recordFile, `${JSON.stringify({ checkpoints: kept }, null, 2)}\n`)
  for (const old of known.filter((other) => !kept.includes(other))) await removeFiles(within(run, old))
  return name
}

/** The newest complete checkpoint of a run, or null. */
export async function latestCheckpoint(run: Directory): Promise<string | null> {
  return (await checkpointNames(run)).at(-1) ?? null
}

/**
 * Puts a checkpoint's weights and moments into a model and an optimiser of the same shapes, and the loss scale's state into its
 * scaler.
 *
 * @throws OutriderError FILE_MISSING, FILE_FORMAT, SHAPE_MISMATCH; INVALID_ARGUMENT where the run had other settings
 */
export async function loadCheckpoint(
  run: Directory,
  name: string,
  { model, optimizer, scaler, settings }: Restored,
): Promise<TrainerState> {
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
  const weights = await modelWeights(checkpoint, model.config)
  for (const [parameter, tensor] of Object.entries(model.model.parameters)) await restore(weights, parameter, tensor)
  const moments = await safetensorsWeights(checkpoint, optimizerFile)
  for (const [kind, values] of momentsOf(optimizer))
    for (const [parameter, tensor] of Object.entries(values)) await restore(moments, `${kind}.${parameter}`, tensor)
  scaler?.restore(state.loss_scaler, checkpoint.name)
  optimizer.step = state.global_step - (scaler?.skippedSteps ?? 0)
  return state
}

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

async function checkpointNames(run: Directory): Promise<string[]> {
  if (!(await run.has(recordFile))) return []
  const names = ((await readJson(run, recordFile)) as { checkpoints?: unknown } | null)?.checkpoints
  if (Array.isArray(names) && names.every((name) => typeof name === 'string')) return names
  throw damaged(run.name, `${recordFile} has no list of checkpoints`)
}

const damaged = (where: string, what: string) =>
  new OutriderError('FILE_FORMAT', `${where}: ${what}.`, {
    remedy: 'The run is of another model, or damaged; train into another directory.',
  })

async function removeFiles(directory: Directory): Promise<void> {
  for (const file of await directory.list()) await directory.remove(file)
}

import { OutriderError } from '@outrider/tensor'
import { type Directory, readJson, within } from '@outrider/transformer'
import { checkpointNames, stateFile, type TrainerState, wholeCheckpoint } from './checkpoints'

/** How far a run is that a directory holds. */
export interface StoredRun {
  /** The newest checkpoint that is recorded, a plain model directory. */
  checkpoint: Directory
  state: TrainerState
  /** Steps in all; undefined where the run does not say. */
  steps: number | undefined
  /** Whether it has done all of its steps, or ended before, as nothing was gained any more. */
  isDone: boolean
}

/**
 * How far a run is, by what it has recorded, without a look at weights or checksums; null where nothing is recorded. For who
 * shows or guards a run: one that goes on reads the newest checkpoint that is whole (`train` with `resume`).
 *
 * @param options.whole  the newest checkpoint of which no file has changed, as `train` goes on from: all of it is read
 * @throws OutriderError FILE_MISSING, FILE_FORMAT where what is recorded cannot be read
 */
export async function storedRun(
  run: Directory,
  { whole = false }: { whole?: boolean } = {},
): Promise<StoredRun | null> {
  const newest = whole ? (await wholeCheckpoint(run))?.checkpoint : (await checkpointNames(run)).at(-1)
  if (newest === undefined) return null
  const checkpoint = within(run, newest)
  const state = (await readJson(checkpoint, stateFile)) as TrainerState | null
  if (!Number.isInteger(state?.global_step) || !Array.isArray(state!.log_history))
    throw new OutriderError('FILE_FORMAT', `${checkpoint.name}: ${stateFile} lacks its fields.`, {
      remedy: 'It is damaged; the run goes on from an older checkpoint when it is resumed.',
    })
  const { steps } = (state!.settings?.learning_rate ?? {}) as { steps?: unknown }
  const known = typeof steps === 'number' ? steps : undefined
  const isDone = state!.ended_early === true || (known !== undefined && state!.global_step >= known)
  return { checkpoint, state: state!, steps: known, isDone }
}

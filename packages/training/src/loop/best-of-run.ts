import { OutriderError } from '@outrider/tensor'
import { type Directory, type PretrainedModel, type TrainableLM, within } from '@outrider/transformer'
import { checkpointName, restoreWeights, type TrainerState } from '../checkpoint/checkpoints'
import { verifyChecksums } from '../checkpoint/checksums'
import type { LogEntry } from './log'
import type { Objective } from './objective'
import type { TrainingOptions } from './train'

/** Figures of the held-out batches by which checkpoints can be compared. */
export const heldOutFigures = ['acceptance-length', 'acceptance-rate', 'loss'] as const
export type HeldOutFigure = (typeof heldOutFigures)[number]

export interface KeepBestOptions {
  /**
   * What tells the better checkpoint: simulated acceptance length at the shortest draft length, α, or the loss. Default:
   * `acceptance-length` where the held-out batches are measured against a target, else `loss`.
   */
  by?: HeldOutFigure | undefined
  /** A gain that is not above this is none: the figure's own noise. Default 0. */
  leastGain?: number | undefined
  /** The run ends early when so many validations have come after the best one. Default: it does all steps. */
  patience?: number | undefined
}

/** A validation's figure: of rows too short for any block the acceptance length is 1 + α, that of one draft; of no validation, undefined. */
export function heldOutFigure(
  { eval_loss, eval_acceptance_rate, eval_acceptance_length = {} }: LogEntry,
  by: HeldOutFigure,
): number | undefined {
  if (by === 'loss') return eval_loss
  if (by === 'acceptance-rate' || eval_acceptance_rate === undefined) return eval_acceptance_rate
  const shortest = Math.min(...Object.keys(eval_acceptance_length).map(Number))
  return eval_acceptance_length[shortest] ?? 1 + eval_acceptance_rate
}

/** Which validation of a run is the best so far, and where its weights are: in the checkpoint of its step. */
export class BestOfRun {
  readonly #by: HeldOutFigure
  readonly #leastGain: number
  readonly #patience: number
  /** What decides which checkpoint it is: a run goes on only with the same. */
  readonly settings: Record<string, unknown>
  #best: LogEntry | null = null

  /** @throws OutriderError INVALID_ARGUMENT where nothing could be compared, or kept */
  constructor(
    { by, leastGain = 0, patience = Number.POSITIVE_INFINITY }: KeepBestOptions,
    { validation, validateEvery, draftLengths, checkpoints }: TrainingOptions,
    { target, heldOutTarget, isMeasured: isTold = false }: Objective,
  ) {
    const isMeasured = isTold || (target ?? heldOutTarget) !== undefined
    this.#by = by ?? (isMeasured ? 'acceptance-length' : 'loss')
    this.#leastGain = leastGain
    this.#patience = patience
    if (!heldOutFigures.includes(this.#by))
      throw invalid(`keepBest.by must be ${heldOutFigures.join(', ')}, not ${this.#by}.`)
    if (!(leastGain >= 0)) throw invalid(`keepBest.leastGain must be at least 0, not ${leastGain}.`)
    if (!(patience >= 1)) throw invalid(`keepBest.patience must be a positive number of validations, not ${patience}.`)
    if (!validation?.length)
      throw invalid('The best checkpoint is found by held-out batches, and there are none.', 'Give validation.')
    if (!checkpoints)
      throw invalid(
        'The best checkpoint has no directory.',
        'Give checkpoints: a directory, or memoryDirectory() to keep nothing beyond the program.',
      )
    if (this.#by !== 'loss' && !isMeasured)
      throw invalid(
        `The best checkpoint is to be found by ${this.#by}, and the held-out batches are measured against no target.`,
        "Give a target, or keep the best by 'loss'.",
      )
    this.settings = {
      by: this.#by,
      least_gain: leastGain,
      validate_every: validateEvery ?? null,
      draft_lengths: draftLengths ?? null,
    }
  }

  /** The validation; null before the first. */
  get entry(): LogEntry | null {
    return this.#best
  }

  /** In the names of transformers' `trainer_state.json`. */
  get state(): Pick<TrainerState, 'best_global_step' | 'best_metric' | 'best_model_checkpoint'> {
    const best = this.#best
    return {
      best_global_step: best?.step ?? null,
      best_metric: best && heldOutFigure(best, this.#by)!,
      best_model_checkpoint: best && checkpointName(best.step),
    }
  }

  /** Looks at a validation, in the order of the history. */
  take(entry: LogEntry): void {
    const gain = this.#best ? heldOutFigure(entry, this.#by)! - heldOutFigure(this.#best, this.#by)! : 0
    const isBetter = this.#best === null || (this.#by === 'loss' ? -gain : gain) > this.#leastGain
    if (isBetter) this.#best = entry
  }

  /** Whether so many validations have come after the best one that the run ends. */
  hasStalled(history: readonly LogEntry[]): boolean {
    const best = this.#best
    if (best === null) return false
    const after = history.filter(({ step, eval_loss }) => eval_loss !== undefined && step > best.step)
    return after.length >= this.#patience
  }

  /**
   * Goes on as a checkpoint says.
   *
   * @returns what people should know: the best checkpoint may be damaged, while the one that the run goes on from is not
   */
  async restore(run: Directory, { best_global_step, log_history }: TrainerState): Promise<string[]> {
    const best = log_history.findLast(({ step, eval_loss }) => step === best_global_step && eval_loss !== undefined)
    if (!best) return []
    const name = checkpointName(best.step)
    try {
      await verifyChecksums(within(run, name))
      this.#best = best
      return []
    } catch (error) {
      if (!(error instanceof OutriderError)) throw error
      return [`${name}, the best so far, is damaged, so that the best of what follows is kept: ${error.message}`]
    }
  }

  /**
   * Puts the best weights into a model that holds those of a step.
   *
   * @throws OutriderError FILE_FORMAT, FILE_MISSING where the checkpoint is not what was written
   */
  async load(run: Directory, model: PretrainedModel<TrainableLM>, step: number): Promise<void> {
    if (this.#best === null || this.#best.step === step) return
    const checkpoint = within(run, checkpointName(this.#best.step))
    await verifyChecksums(checkpoint)
    await restoreWeights(checkpoint, model)
  }
}

const invalid = (message: string, remedy?: string) => new OutriderError('INVALID_ARGUMENT', message, { remedy })

import type { Batch, BatchStream } from '@outrider/dataset'
import { type Device, OutriderError } from '@outrider/tensor'
import {
  type Directory,
  modelIdentity,
  type PretrainedModel,
  type TrainableLM,
  tuningInUse,
} from '@outrider/transformer'
import {
  loadCheckpoint,
  type Resumption,
  retireCheckpoints,
  saveCheckpoint,
  wholeCheckpoint,
} from '../checkpoint/checkpoints'
import { runIdentity } from '../checkpoint/run-identity'
import { evaluate } from '../evaluation/evaluate'
import { onPolicyFigures } from '../on-policy/figures'
import { AdamW, type AdamWOptions } from '../optimizer/adamw'
import { positionFigures } from '../parallel/figures'
import { type LossScaleOptions, LossScaler } from '../precision/loss-scaler'
import { type LearningRateOptions, learningRate } from '../schedule/learning-rate'
import { BestOfRun, type KeepBestOptions } from './best-of-run'
import { checkStep, checkTensors } from './finite'
import { stepGradients } from './gradients'
import type { LogEntry } from './log'
import type { Objective, StepBatch } from './objective'

export interface TrainingOptions extends AdamWOptions {
  /** Optimiser steps in all, those before a resumption included. */
  steps: number
  /** The highest learning rate. Default 1e-3. */
  learningRate?: number | undefined
  /** Steps of warm-up. Default: a twentieth of all. */
  warmup?: number | undefined
  /** How the rate falls after the warm-up. Default cosine, to a tenth. */
  decay?: LearningRateOptions['decay']
  /** Gradients are scaled down to this global norm; 0 leaves them. Default 1. */
  maxGradientNorm?: number | undefined
  /**
   * Batches whose gradients are added up for one step, as if they were one batch: the mean loss is over all positions that
   * count, and so are statistics that a loss pools over a batch, as TVD++ its σ, for which each batch's draft is computed once
   * more. Default 1.
   */
  accumulation?: number | undefined
  /**
   * Keep only the draft's activations between blocks, and compute each block again for its gradient: less memory for a longer
   * step, and the same bits. Default false.
   */
  activationCheckpointing?: boolean | undefined
  /**
   * `mixed`: weights and activations in f16, with sums, norms, softmaxes, logits and the loss in f32; the weights that are
   * trained and saved, and the optimiser's moments, stay f32, and so do validations. The loss is scaled so that gradients
   * fit; a step in which they do not is skipped. Needs an adapter with `shader-f16`. Default f32.
   */
  precision?: Precision | undefined
  /** Of mixed precision: where the scale of the loss begins, and when it grows. */
  lossScale?: LossScaleOptions | undefined
  /** Held-out batches, measured every `validateEvery` steps and at the end. */
  validation?: readonly Batch[] | undefined
  validateEvery?: number | undefined
  /**
   * Keep the checkpoint of the best validation beyond `keepCheckpoints`, in `checkpoints`, and end with its weights in the model.
   * With `patience` the run ends when nothing is gained any more.
   */
  keepBest?: KeepBestOptions | undefined
  /** Draft lengths for the simulated acceptance length. Default 3 and 5; of a parallel draft its own. */
  draftLengths?: readonly number[] | undefined
  /**
   * The run's directory: `checkpoint-N/` is written into it every `checkpointEvery` steps, at the end and when aborted. A run
   * that does not `resume` removes the checkpoints of an earlier one there before its first step.
   */
  checkpoints?: Directory | undefined
  checkpointEvery?: number | undefined
  /** Complete checkpoints that stay. Default 2. */
  keepCheckpoints?: number | undefined
  /** Go on from the newest checkpoint that is whole, if there is one. The run ends in the same bytes as one that was never interrupted. */
  resume?: boolean | undefined
  /** Called when the run goes on, with the checkpoint that it goes on from and those that are damaged. */
  onResume?: ((resumption: Resumption) => void) | undefined
  /** Called after every step. */
  onStep?: ((progress: TrainingProgress) => void) | undefined
  /** Stops after the step at hand, with a checkpoint if there is a directory for it; `train` then throws ABORTED. */
  signal?: AbortSignal | undefined
}

/** What training computes in. */
export type Precision = 'f32' | 'mixed'

export interface TrainingProgress {
  step: number
  steps: number
  loss: number
  /** The step changed nothing: what was computed did not fit in f16 (mixed precision). */
  skipped?: true
  acceptanceRate?: number
  /** Tokens that passed through the model since this call began, and seconds. */
  tokens: number
  seconds: number
  /** Figures of the held-out batches, in the steps that have them. */
  validation?: LogEntry
}

export interface TrainingResult {
  /** Every step's figures, and the validations'. */
  history: LogEntry[]
  /** Those that were done: fewer than were asked for where the run ended early. */
  steps: number
  /** With `keepBest`: the validation whose weights the model holds. */
  best?: LogEntry
}

/**
 * Trains a model's parameters, in place, on a stream of batches. `pretrain` and `distill` are this with their objectives.
 *
 * @throws OutriderError UNSUPPORTED for mixed precision where the device has no `shader-f16`; NOT_FINITE where the loss, α, the
 *   gradient or a weight is NaN or infinite: before a step is taken, and before a checkpoint is written
 */
export async function train(
  model: PretrainedModel<TrainableLM>,
  objective: Objective,
  batches: BatchStream,
  options: TrainingOptions,
): Promise<TrainingResult> {
  const { steps, maxGradientNorm = 1, accumulation = 1, checkpoints, signal, keepCheckpoints = 2 } = options
  if (!(Number.isInteger(steps) && steps > 0))
    throw new OutriderError('INVALID_ARGUMENT', `Training takes a positive number of steps, not ${steps}.`)
  if (!(Number.isInteger(accumulation) && accumulation > 0))
    throw new OutriderError('INVALID_ARGUMENT', `accumulation must be a positive integer, not ${accumulation}.`)
  const { parameters, device } = model.model
  const scaler = scalerOf(options, device)
  const best = options.keepBest && new BestOfRun(options.keepBest, options, objective)
  using optimizer = new AdamW(parameters, options)
  const rate: LearningRateOptions = {
    peak: options.learningRate ?? 1e-3,
    steps,
    warmup: options.warmup,
    decay: options.decay,
  }
  const settings = {
    objective: objective.name,
    accumulation,
    maxGradientNorm,
    precision: scaler ? 'mixed' : 'f32',
    ...(scaler && { loss_scale: scaler.options }),
    optimizer: optimizer.options,
    learning_rate: JSON.parse(JSON.stringify(rate)),
    ...(best && { keep_best: best.settings }),
    ...objective.settings,
  }

  let history: LogEntry[] = []
  let step = 0
  const resumed = checkpoints && options.resume ? await wholeCheckpoint(checkpoints) : null
  let identity = checkpoints && (await runIdentity(model, objective, batches, options.validation))
  if (checkpoints && resumed) {
    const run = { model, optimizer, scaler, settings, identity }
    const { state, remarks } = await loadCheckpoint(checkpoints, resumed.checkpoint, run)
    if (best) remarks.push(...(await best.restore(checkpoints, state)))
    options.onResume?.({ ...resumed, remarks })
    identity = identity && { ...identity, draft: state.identity?.draft ?? identity.draft }
    await batches.restore(state.data_position)
    history = state.log_history
    step = state.global_step
  }
  if (identity) identity = { ...identity, ...tuningInUse(device) }
  if (checkpoints && !resumed) await retireCheckpoints(checkpoints)
  const hasStalled = () => best?.hasStalled(history) ?? false
  const { means, squares } = optimizer
  const moments = Object.entries({ mean: means, square: squares }).flatMap(([kind, values]) =>
    Object.entries(values).map(([name, moment]) => [`the ${kind} of gradients of ${name}`, moment] as const),
  )
  const weights = Object.entries(parameters).map(([name, weight]) => [`the weight ${name}`, weight] as const)
  const checkWeights = () => checkTensors(step, Object.fromEntries([...weights, ...moments]))
  // The one check of a step's weights: after all that could have changed them, and before they are taken for good.
  const checkAndSave = async () => {
    if (history.length === 0) return
    await checkWeights()
    if (!checkpoints) return
    const state = {
      global_step: step,
      log_history: history,
      data_position: batches.state(),
      settings,
      identity,
      weights: (await modelIdentity(model)).weights,
      ...(scaler && { loss_scaler: scaler.state() }),
      ...best?.state,
      ...(step < steps && hasStalled() && { ended_early: true as const }),
    }
    await saveCheckpoint(checkpoints, { model, optimizer, state, keep: keepCheckpoints })
  }

  const measure = async (validation: readonly Batch[]) => {
    try {
      return await evaluate(model, objective, validation, options.draftLengths)
    } catch (error) {
      await checkWeights() // the weight that is no number says more than the row in which it shows
      throw error
    }
  }

  const stepBatches = async (given: readonly Batch[]): Promise<readonly StepBatch[]> => {
    try {
      return (await objective.stepBatches?.(given, step * accumulation)) ?? given
    } catch (error) {
      await checkWeights() // as above
      throw error
    }
  }

  const began = performance.now()
  let tokens = 0
  while (step < steps && !hasStalled()) {
    if (signal?.aborted) {
      await checkAndSave()
      throw new OutriderError('ABORTED', `Training was stopped after step ${step} of ${steps}.`, {
        remedy: checkpoints ? 'It goes on from there when it is resumed.' : undefined,
        cause: signal.reason,
      })
    }
    const given: Batch[] = []
    for (let i = 0; i < accumulation; i++) given.push(await batches.next())
    const micro = await stepBatches(given)
    const learning_rate = learningRate(step, rate)
    const scale = scaler?.scale ?? 1
    const computed = await stepGradients(model, objective, micro, {
      seed: step,
      scale: scaler?.scale,
    })
    const { gradients, norm, loss, aux, positions, overflowed, gradientNorm } = computed
    try {
      await checkStep(step + 1, computed, parameters)
      if (!overflowed) optimizer.update(gradients, norm, learning_rate, maxGradientNorm, scale)
    } finally {
      for (const tensor of [norm, ...Object.values(gradients)]) tensor.dispose()
    }
    step++
    scaler?.update(overflowed)
    const { acceptance_rate, on_policy_acceptance_rate, data_acceptance_rate, ...statistics } = aux
    const on_policy = onPolicyFigures(micro, { on_policy_acceptance_rate, data_acceptance_rate })
    history.push({
      step,
      loss,
      learning_rate,
      ...(overflowed ? { skipped: true } : { grad_norm: gradientNorm }),
      ...(scaler && { loss_scale: scale }),
      ...(acceptance_rate !== undefined && { acceptance_rate }),
      ...(on_policy && { on_policy }),
      ...(positions && { parallel: positionFigures(positions) }),
      ...(Object.keys(statistics).length > 0 && { statistics }),
    })
    for (const batch of micro) tokens += batch.batchSize * batch.length
    const validate =
      options.validation?.length && (step === steps || (options.validateEvery && step % options.validateEvery === 0))
    if (validate) {
      history.push({ step, ...(await measure(options.validation!)) })
      best?.take(history.at(-1)!)
    }
    options.onStep?.({
      step,
      steps,
      loss,
      ...(overflowed && { skipped: true }),
      ...(acceptance_rate !== undefined && { acceptanceRate: acceptance_rate }),
      tokens,
      seconds: (performance.now() - began) / 1000,
      ...(validate && { validation: history.at(-1)! }),
    })
    const isDue = options.checkpointEvery && step % options.checkpointEvery === 0
    if (isDue || step === steps || best?.entry?.step === step || hasStalled()) await checkAndSave()
  }
  if (checkpoints) await best?.load(checkpoints, model, step)
  return { history, steps: step, ...(best?.entry && { best: best.entry }) }
}

function scalerOf({ precision = 'f32', lossScale }: TrainingOptions, device: Device): LossScaler | undefined {
  if (precision === 'f32') return undefined
  if (precision !== 'mixed')
    throw new OutriderError('INVALID_ARGUMENT', `precision must be f32 or mixed, not ${precision}.`)
  if (device.capabilities.shaderF16) return new LossScaler(lossScale)
  throw new OutriderError(
    'UNSUPPORTED',
    `Mixed precision needs an adapter with shader-f16; ${device.adapterName} has none.`,
    { remedy: "Train with precision 'f32', or choose another adapter." },
  )
}

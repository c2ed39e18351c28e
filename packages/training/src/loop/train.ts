import type { Batch, BatchStream } from '@outrider/dataset'
import { add, multiply, OutriderError, readAll, type Tensor, valueAndGradient } from '@outrider/tensor'
import type { Directory, PretrainedModel } from '@outrider/transformer'
import { latestCheckpoint, loadCheckpoint, saveCheckpoint } from '../checkpoint/checkpoints'
import { evaluate } from '../evaluation/evaluate'
import { AdamW, type AdamWOptions } from '../optimizer/adamw'
import { gradientNorm } from '../optimizer/gradient-norm'
import { type LearningRateOptions, learningRate } from '../schedule/learning-rate'
import type { LogEntry } from './log'
import { type Objective, toDevice } from './objective'

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
  /** Batches whose gradients are added up for one step. Default 1. */
  accumulation?: number | undefined
  /**
   * Keep only the draft's activations between blocks, and compute each block again for its gradient: less memory for a longer
   * step, and the same bits. Default false.
   */
  activationCheckpointing?: boolean | undefined
  /** Held-out batches, measured every `validateEvery` steps and at the end. */
  validation?: readonly Batch[] | undefined
  validateEvery?: number | undefined
  /** Draft lengths for the simulated acceptance length. Default 3 and 5. */
  draftLengths?: readonly number[] | undefined
  /** The run's directory: `checkpoint-N/` is written into it every `checkpointEvery` steps, at the end and when aborted. */
  checkpoints?: Directory | undefined
  checkpointEvery?: number | undefined
  /** Complete checkpoints that stay. Default 2. */
  keepCheckpoints?: number | undefined
  /** Go on from the newest checkpoint, if there is one. The run ends in the same bytes as one that was never interrupted. */
  resume?: boolean | undefined
  /** Called after every step. */
  onStep?: ((progress: TrainingProgress) => void) | undefined
  /** Stops after the step at hand, with a checkpoint if there is a directory for it; `train` then throws ABORTED. */
  signal?: AbortSignal | undefined
}

export interface TrainingProgress {
  step: number
  steps: number
  loss: number
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
  steps: number
}

/** Trains a model's parameters, in place, on a stream of batches. `pretrain` and `distill` are this with their objectives. */
export async function train(
  model: PretrainedModel,
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
    optimizer: optimizer.options,
    learning_rate: JSON.parse(JSON.stringify(rate)),
  }

  let history: LogEntry[] = []
  let step = 0
  const resumed = checkpoints && options.resume ? await latestCheckpoint(checkpoints) : null
  if (checkpoints && resumed) {
    const state = await loadCheckpoint(checkpoints, resumed, { model, optimizer, settings })
    await batches.restore(state.data_position)
    history = state.log_history
    step = state.global_step
  }
  const save = async () => {
    if (!checkpoints || history.at(-1) === undefined) return
    const state = { global_step: step, log_history: history, data_position: batches.state(), settings }
    await saveCheckpoint(checkpoints, { model, optimizer, state, keep: keepCheckpoints })
  }

  const began = performance.now()
  let tokens = 0
  while (step < steps) {
    if (signal?.aborted) {
      await save()
      throw new OutriderError('ABORTED', `Training was stopped after step ${step} of ${steps}.`, {
        remedy: checkpoints ? 'It goes on from there when it is resumed.' : undefined,
        cause: signal.reason,
      })
    }
    const micro: Batch[] = []
    for (let i = 0; i < accumulation; i++) micro.push(await batches.next())
    const learning_rate = learningRate(step, rate)
    const figures = device.scope(() => {
      const { value, aux, gradients } = accumulate(model, objective, micro, step * accumulation)
      const norm = gradientNorm(Object.values(gradients))
      optimizer.update(gradients, norm, learning_rate, maxGradientNorm)
      return { value, norm, ...aux }
    })
    step++
    const read = (await readAll(Object.values(figures))).map((values) => values[0]!)
    for (const tensor of Object.values(figures)) tensor.dispose()
    const [loss, grad_norm, ...logged] = read
    const { acceptance_rate, ...statistics } = named(Object.keys(figures).slice(2), logged)
    if (!Number.isFinite(loss!))
      throw new OutriderError('INVALID_ARGUMENT', `The loss became ${loss} in step ${step}.`, {
        remedy: 'Lower the learning rate, or lengthen the warm-up.',
      })
    history.push({
      step,
      loss: loss!,
      learning_rate,
      grad_norm: grad_norm!,
      ...(acceptance_rate !== undefined && { acceptance_rate }),
      ...(Object.keys(statistics).length > 0 && { statistics }),
    })
    for (const batch of micro) tokens += batch.batchSize * batch.length

    const validate =
      options.validation?.length && (step === steps || (options.validateEvery && step % options.validateEvery === 0))
    if (validate)
      history.push({ step, ...(await evaluate(model, objective, options.validation!, options.draftLengths)) })
    options.onStep?.({
      step,
      steps,
      loss: loss!,
      ...(acceptance_rate !== undefined && { acceptanceRate: acceptance_rate }),
      tokens,
      seconds: (performance.now() - began) / 1000,
      ...(validate && { validation: history.at(-1)! }),
    })
    if (step === steps || (options.checkpointEvery && step % options.checkpointEvery === 0)) await save()
  }
  return { history, steps }
}

const named = (names: readonly string[], values: readonly number[]): Record<string, number> =>
  Object.fromEntries(names.map((name, i) => [name, values[i]!]))

interface Sums {
  value: Tensor
  aux: Record<string, Tensor>
  gradients: Record<string, Tensor>
}

/** The gradient of the mean loss over every position of several batches, as if they were one. */
function accumulate(model: PretrainedModel, objective: Objective, micro: readonly Batch[], seed: number) {
  const { parameters, device } = model.model
  const counts = micro.map(({ lossMask }) => lossMask.reduce((a, b) => a + b, 0))
  const total = counts.reduce((a, b) => a + b, 0)
  if (total === 0)
    throw new OutriderError('INVALID_ARGUMENT', 'A batch has no position that counts.', {
      remedy: 'Check the loss masks: every row needs a token to learn.',
    })
  let sums: Sums | null = null
  for (const [i, batch] of micro.entries()) {
    if (counts[i] === 0) continue
    const share = counts[i]! / total
    const onDevice = toDevice(device, batch, seed + i)
    const { value, gradients, aux } = valueAndGradient(parameters, (draft) => {
      const { value, aux } = objective.loss(draft, onDevice)
      const weighted = Object.entries(aux).map(([name, figure]) => [name, multiply(figure, share)] as const)
      return { value: multiply(value, share), aux: Object.fromEntries(weighted) }
    })
    const part = { value, aux, gradients }
    sums = sums
      ? { value: add(sums.value, value), aux: addUp(sums.aux, aux), gradients: addUp(sums.gradients, gradients) }
      : part
  }
  return sums!
}

function addUp(a: Record<string, Tensor>, b: Record<string, Tensor>): Record<string, Tensor> {
  return Object.fromEntries(Object.entries(a).map(([name, tensor]) => [name, add(tensor, b[name]!)]))
}

import type { Batch } from '@outrider/dataset'
import type { Device, Tensor } from '@outrider/tensor'
import type { CausalLM, ModelParameters, PretrainedModel } from '@outrider/transformer'

/** A batch that a step is computed on. */
export interface StepBatch extends Batch {
  /** Its answers are the draft's own, drawn for this step. */
  drawn?: true | undefined
}

/** A batch on the device. */
export interface DeviceBatch {
  tokens: Tensor // u32 [batchSize, length]
  /** The same on the host. */
  tokenIds: Uint32Array
  labels: Tensor // u32 [batchSize · length], the next token
  /** The same on the host. */
  labelIds: Uint32Array
  mask: Tensor // f32 [batchSize · length], 1 where the position counts
  /** The same on the host. */
  lossMask: Float32Array
  /** Positions that count. */
  count: number
  batchSize: number
  length: number
  /** Changes from step to step: for losses that draw. */
  seed: number
  /** Positions of the step before these: for losses that draw. Default 0. */
  firstRow?: number | undefined
  /** Of these, those that count. Default 0. */
  countedBefore?: number | undefined
  /** Its answers are the draft's own, drawn for this step. */
  drawn?: true | undefined
  /** What the step has pooled, where it consists of several batches and the objective pools. */
  pooled?: Tensor | undefined
}

/** What is learned: the loss of a batch in terms of the draft's parameters. */
export interface Objective {
  readonly name: string
  /** What else decides the bits, by name, as JSON: a run goes on only with the same. */
  readonly settings?: Readonly<Record<string, unknown>> | undefined
  /** What is computed beside the name, as JSON, where it can be said: a run goes on only with the same. */
  readonly definition?: unknown
  /** The model that is learned from, where there is one: a run goes on only with the same. */
  readonly target?: PretrainedModel<CausalLM>
  /** The model that held-out batches alone are measured against, where there is one. It decides figures, and no bits. */
  readonly heldOutTarget?: PretrainedModel<CausalLM> | undefined
  /** Whether `measure` gives α though there is no model that is learned from. Default false. */
  readonly isMeasured?: boolean | undefined
  /**
   * The mean loss over the positions that count, a scalar. `aux` holds what else is worth logging, scalars by name, means over
   * the same positions; `acceptance_rate` is α. `positions`, of a draft that proposes several tokens at once: f32 [positions, 3], of
   * each how many rows are of it, Σ α, and Σ of the probability that the token there is accepted with all before it.
   */
  loss(
    parameters: ModelParameters,
    batch: DeviceBatch,
  ): { value: Tensor; aux: Readonly<Record<string, Tensor>>; positions?: Tensor }
  /**
   * Only where the loss at a position depends on all positions of a step: sums over those of a batch that count. Of a step of
   * several batches they are computed first, without gradients, added up, and given to `loss` as the batch's `pooled`.
   */
  pool?(parameters: ModelParameters, batch: DeviceBatch): Tensor
  /**
   * Called before each step with the batches that the data gives for it, and with the weights as they are: what the step is computed
   * on. Held-out batches do not come here. It depends on nothing else that a resumption does not bring back.
   *
   * @param first  the number of the first of them since the run was begun
   */
  stepBatches?(given: readonly Batch[], first: number): Promise<readonly StepBatch[]>
  /**
   * Called before batches are computed, those of a step or one that is held out: what has to be waited for, and is the same in
   * every pass over them. What it returns is disposed of when they are done.
   */
  prepare?(batches: readonly Batch[]): Promise<Disposable>
  /**
   * Per position of a batch: the loss to report on held-out data and, where there is a target, α. f32 [positions] each. Of a draft
   * that proposes several tokens at once α of its blocks, too.
   */
  measure(
    parameters: ModelParameters,
    batch: DeviceBatch,
  ): { losses: Tensor; acceptanceRates?: Tensor; blocks?: MeasuredBlocks }
}

/** α of blocks that were proposed at once, each from its own place of the batch on. */
export interface MeasuredBlocks {
  /** f32 [blocks · draftLength], block after block; what is beyond a block's length says nothing. */
  acceptanceRates: Tensor
  draftLength: number
  /** How many positions of each there are. */
  lengths: readonly number[]
}

/** Copies a batch to the device. The caller disposes of its tensors, or makes it inside a scope. */
export function toDevice(
  device: Device,
  { tokens, labels, lossMask, batchSize, length, drawn }: StepBatch,
  seed: number,
): DeviceBatch {
  let count = 0
  for (const weight of lossMask) count += weight
  return {
    tokens: device.tensor(tokens, { shape: [batchSize, length] }),
    tokenIds: tokens,
    labels: device.tensor(labels),
    labelIds: labels,
    mask: device.tensor(lossMask),
    lossMask,
    count,
    batchSize,
    length,
    seed,
    ...(drawn && { drawn }),
  }
}

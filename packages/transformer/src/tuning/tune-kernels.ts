import { attention, OutriderError } from '@outrider/tensor'
import {
  attentionProblems,
  linearProblems,
  matmulProblems,
  type TrainedWeights,
  type TuneProblem,
  type Tuning,
} from '@outrider/tensor/internal'
import { type CausalLM, cacheDtypesFor, headsOf } from '../model/index'
import { type TuneAndKeepOptions, tuneAndKeep } from './tune-and-keep'
import { linearWeights } from './use-tuning'

export interface TuneKernelsOptions extends TuneAndKeepOptions {
  /**
   * What it is for: `prompts`, the linear layers over more than 16 rows of a sequence; `decoding`, into parts of how many keys a long
   * cache is cut for up to 16 rows, on GPUs, where it is; `training`, the three products of each of the model's matrices in a step
   * (y = x · wᵀ, dx = dy · w, dw = dyᵀ · x). Default prompts.
   */
  work?: TunedWork | undefined
  /** Of `training`: that of the steps. Mixed needs `shader-f16`. Default f32. */
  precision?: 'f32' | 'mixed' | undefined
}

/** What kernels are tuned for. */
export const tunedWorks = ['prompts', 'decoding', 'training'] as const
export type TunedWork = (typeof tunedWorks)[number]

/**
 * Finds the fastest kernels for a model's matrices on its device: times all of them in turns, compares their results, and keeps the
 * choice by adapter, driver and version, beside what was found before. It is used from now on, but for what has run on this device
 * already, whose kernels stay; and by `useTuning` the next time. What was tuned for decoding changes the bits of answers, in one way
 * for decoding and verification, and what was tuned for training those of a step: so it belongs to a run's identity.
 *
 * Nothing is kept or used of a tuning that is aborted. A kernel that is wrong on this adapter is set aside and named.
 *
 * @throws OutriderError ABORTED; INVALID_ARGUMENT for a model that does not show its weights, or of decoding its heads; KERNEL where every kernel is wrong;
 *   UNSUPPORTED for mixed precision without `shader-f16`; FILE_WRITE where it cannot be kept
 */
export async function tuneKernels(model: CausalLM, options: TuneKernelsOptions = {}): Promise<Tuning> {
  return tuneAndKeep(model.device, problemsOf(model, options), options)
}

function problemsOf(
  model: CausalLM,
  { work = 'prompts', precision = 'f32', rows }: Pick<TuneKernelsOptions, 'work' | 'precision' | 'rows'>,
): TuneProblem[] {
  if (work === 'decoding') {
    const heads = headsOf(model)
    if (!heads)
      throw new OutriderError(
        'INVALID_ARGUMENT',
        'Decoding is tuned for the heads of a model, and this one shows none.',
        {
          remedy: 'Tune a model that was loaded by loadCausalLM.',
        },
      )
    return attentionProblems(
      model.device,
      cacheDtypesFor(heads).map((cache) => ({ ...heads, cache })),
      { attend: attention, rows },
    )
  }
  const weights = linearWeights(model)
  if (work === 'prompts') return linearProblems(weights, { rows })
  const { device, config } = model
  if (precision === 'mixed' && !device.capabilities.shaderF16)
    throw new OutriderError('UNSUPPORTED', `Mixed precision needs shader-f16; ${device.adapterName} has none.`, {
      remedy: 'Tune for f32.',
    })
  const dtype = precision === 'mixed' ? 'f16' : 'f32'
  // The head's rows are the whole batch's, as are those of the others, so the largest matrix is the most work. Its loss is f32.
  const trained = weights
    .toSorted((a, b) => b.size - a.size)
    .map(({ shape }): TrainedWeights => {
      const [n, k] = shape as [number, number]
      return { n, k, dtype, gradient: n >= config.vocabularySize ? 'f32' : dtype }
    })
  return matmulProblems(device, trained, { rows })
}

import type { Device, Tensor } from '@outrider/tensor'
import { OutriderError } from '@outrider/tensor'
import {
  attentionProblems,
  choiceKey,
  linearProblems,
  matmulProblems,
  type TuneOptions as ProblemOptions,
  type TrainedWeights,
  type TuneProblem,
  type Tuning,
  tune,
} from '@outrider/tensor/internal'
import type { Directory } from '../files/index'
import { type CausalLM, cacheDtypesFor, headsOf } from '../model/index'
import { type KeptTuning, readTuning, tuningDirectory, writeTuning } from './tuning-file'

export interface TuneKernelsOptions extends Pick<ProblemOptions, 'rows' | 'budget' | 'signal' | 'onProgress'> {
  /**
   * What it is for: `prompts`, the linear layers over more than 16 rows of a sequence; `decoding`, into parts of how many keys a long
   * cache is cut for up to 16 rows, on GPUs, where it is; `training`, the three products of each of the model's matrices in a step
   * (y = x · wᵀ, dx = dy · w, dw = dyᵀ · x). Default prompts.
   */
  work?: TunedWork | undefined
  /** Of `training`: that of the steps. Mixed needs `shader-f16`. Default f32. */
  precision?: 'f32' | 'mixed' | undefined
  /** Where it is kept. Default `tuningDirectory()`. */
  directory?: Directory | undefined
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
export async function tuneKernels(
  model: CausalLM,
  { directory: place = tuningDirectory(), ...options }: TuneKernelsOptions = {},
): Promise<Tuning> {
  const { device } = model
  const tuning = await tune(problemsOf(model, options), options)
  const before = await readTuning(device, place)
  const kept = joined(before, tuning)
  await writeTuning(device, kept, place)
  device.kernels.use(kept.kernels)
  return tuning
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
      { rows },
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

/**
 * Uses what tuning found on this adapter, where anything was; but for what has run on this device already.
 *
 * @returns what is kept; undefined where nothing is, and the defaults hold
 */
export async function useTuning(
  device: Device,
  { directory: place = tuningDirectory() }: Pick<TuneKernelsOptions, 'directory'> = {},
): Promise<KeptTuning | undefined> {
  const kept = await readTuning(device, place)
  if (kept) device.kernels.use(kept.kernels)
  return kept
}

/** Uses what was found for a model, and finds it first where some of it never was. */
export async function useOrTune(model: CausalLM, options: TuneKernelsOptions = {}): Promise<void> {
  const kept = await useTuning(model.device, options)
  const timed = new Set(kept?.timed)
  if (linearWeights(model).some((weight) => !timed.has(keyOf(weight)))) await tuneKernels(model, options)
}

/** The matrices that rows are multiplied by, the largest work first, and the head last: of prompts it sees one row. */
function linearWeights(model: CausalLM): Tensor[] {
  const { parameters } = model as { parameters?: Readonly<Record<string, Tensor>> }
  const matrices = Object.entries(parameters ?? {}).filter(([, { shape }]) => shape.length === 2)
  if (matrices.length === 0)
    throw new OutriderError(
      'INVALID_ARGUMENT',
      'Tuning times kernels with the weights of a model, and this one shows none.',
      {
        remedy: 'Tune a model that was loaded by loadCausalLM.',
      },
    )
  const { vocabularySize } = model.config
  const last = ({ shape }: Tensor) => (shape[0]! >= vocabularySize ? 1 : 0)
  return matrices.map(([, tensor]) => tensor).sort((a, b) => last(a) - last(b) || b.size - a.size)
}

const keyOf = ({ shape, dtype }: Tensor) => choiceKey({ n: shape[0]!, k: shape[1]!, dtype })

function joined(before: KeptTuning | undefined, { weights }: Tuning): KeptTuning {
  const fresh = new Set(weights.map(({ key }) => key))
  const others = <T>(all: Readonly<Record<string, T>> = {}) => Object.entries(all).filter(([key]) => !fresh.has(key))
  return {
    kernels: Object.fromEntries([
      ...others(before?.kernels),
      ...weights.flatMap(({ key, standard, chosen }) => (chosen === standard ? [] : [[key, chosen]])),
    ]),
    timed: [...new Set([...(before?.timed ?? []), ...fresh])].sort(),
    wrong: Object.fromEntries([
      ...others(before?.wrong),
      ...weights.flatMap(({ key, wrong }) => (wrong.length === 0 ? [] : [[key, wrong]])),
    ]),
  }
}

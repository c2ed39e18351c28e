import type { Device, Tensor } from '@outrider/tensor'
import { OutriderError } from '@outrider/tensor'
import { choiceKey, type TuneOptions as LinearOptions, type Tuning, tuneLinear } from '@outrider/tensor/internal'
import type { Directory } from '../files/index'
import type { CausalLM } from '../model/index'
import { type KeptTuning, readTuning, tuningDirectory, writeTuning } from './tuning-file'

export interface TuneKernelsOptions extends Pick<LinearOptions, 'rows' | 'budget' | 'signal' | 'onProgress'> {
  /** Where it is kept. Default `tuningDirectory()`. */
  directory?: Directory | undefined
}

/**
 * Finds the fastest kernels for a model's linear layers over prompts, more than 16 rows of a sequence, on its device: times all of them
 * in turns, with the model's own weights, compares their results, and keeps the choice by adapter, driver and version. It is used
 * from now on, but for what has run on this device already, whose kernels stay; and by `useTuning` the next time. Decoding has
 * its own kernels, and training its own, which no tuning changes.
 *
 * Nothing is kept or used of a tuning that is aborted. A kernel that is wrong on this adapter is set aside and named.
 *
 * @throws OutriderError ABORTED; INVALID_ARGUMENT for a model that does not show its weights; KERNEL where every kernel is wrong;
 *   FILE_WRITE where it cannot be kept
 */
export async function tuneKernels(
  model: CausalLM,
  { directory: place = tuningDirectory(), ...options }: TuneKernelsOptions = {},
): Promise<Tuning> {
  const { device } = model
  const tuning = await tuneLinear(linearWeights(model), options)
  const before = await readTuning(device, place)
  const kept = joined(before, tuning)
  await writeTuning(device, kept, place)
  device.kernels.use(kept.kernels)
  return tuning
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

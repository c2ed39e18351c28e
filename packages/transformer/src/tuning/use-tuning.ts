import { type Device, OutriderError, type Tensor } from '@outrider/tensor'
import { choiceKey, linearProblems } from '@outrider/tensor/internal'
import type { CausalLM } from '../model/index'
import { type TuneAndKeepOptions, tuneAndKeep } from './tune-and-keep'
import { type KeptTuning, readTuning, tuningDirectory } from './tuning-file'

/**
 * Uses what tuning found on this adapter, where anything was; but for what has run on this device already.
 *
 * @returns what is kept; undefined where nothing is, and the defaults hold
 */
export async function useTuning(
  device: Device,
  { directory: place = tuningDirectory() }: Pick<TuneAndKeepOptions, 'directory'> = {},
): Promise<KeptTuning | undefined> {
  const kept = await readTuning(device, place)
  if (kept) device.kernels.use(kept.kernels)
  return kept
}

/** Uses what was found for a model's prompts, and finds it first where some of it never was. */
export async function useOrTune(model: CausalLM, options: TuneAndKeepOptions = {}): Promise<void> {
  const kept = await useTuning(model.device, options)
  const timed = new Set(kept?.timed)
  if (linearWeights(model).some((weight) => !timed.has(keyOf(weight))))
    await tuneAndKeep(model.device, linearProblems(linearWeights(model), options), options)
}

/** The matrices that rows are multiplied by, the largest work first, and the head last: of prompts it sees one row. */
export function linearWeights(model: CausalLM): Tensor[] {
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

import type { Device } from '@outrider/tensor'
import { type TuneOptions as ProblemOptions, type TuneProblem, type Tuning, tune } from '@outrider/tensor/internal'
import type { Directory } from '../files/index'
import { type KeptTuning, readTuning, tuningDirectory, writeTuning } from './tuning-file'

export interface TuneAndKeepOptions extends Pick<ProblemOptions, 'rows' | 'budget' | 'signal' | 'onProgress'> {
  /** Where it is kept. Default `tuningDirectory()`. */
  directory?: Directory | undefined
}

/** Solves problems of tuning, keeps what was found beside what was found before, and uses it. */
export async function tuneAndKeep(
  device: Device,
  problems: readonly TuneProblem[],
  { directory: place = tuningDirectory(), ...options }: TuneAndKeepOptions,
): Promise<Tuning> {
  const tuning = await tune(problems, options)
  const before = await readTuning(device, place)
  const kept = joined(before, tuning)
  await writeTuning(device, kept, place)
  device.kernels.use(kept.kernels)
  return tuning
}

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

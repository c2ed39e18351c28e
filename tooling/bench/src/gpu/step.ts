import type { Device } from '@outrider/tensor'
import type { Row } from '../suite'
import { type Timed, timed } from './timed'
import { type World, worlds } from './world'

/** What can be asked of the suite: `npm run bench -- gpu --set NAME=VALUE`. */
export interface GpuSettings {
  /** The target's size. Default '1.1B'; 'tiny' runs every path on a software adapter. */
  size: 'tiny' | '1.1B' | '7B'
  /** Of the target's weights, in `speculation`. Default f16. */
  dtype: 'f32' | 'f16' | 'q8_0' | 'q4_0'
  /** γ of `speculation`. Default 3. */
  draftLength: number
  /**
   * How well the draft guesses, of a target whose first layer drafts: what the other layers add is scaled by it, and the less they
   * add, the more often the draft is right. Default 0.05.
   */
  damp: number
}

export interface GpuContext {
  device: Device
  world: World
  settings: GpuSettings
  /** The time of a run, at most so many of them a round (`timed`). */
  timed(run: (i: number) => void, most?: number): Promise<Timed>
  /** Tells of a figure, at once: what is stopped later has left what it knew. */
  emit(row: Row): void
}

/** A part of the suite. Every result is held against a reference on the way; one that is wrong is told of in `wrong`. */
export interface GpuStep {
  readonly name: string
  readonly summary: string
  /** Seconds after which it is stopped. */
  readonly limit: number
  run(context: GpuContext): Promise<void>
}

/** What steps are given on a device. */
export function gpuContext(device: Device, settings: GpuSettings, emit: GpuContext['emit']): GpuContext {
  const world = worlds[settings.size]
  return { device, settings, world, emit, timed: (run, most) => timed(device, run, { ...world.timing, most }) }
}

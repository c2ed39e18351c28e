import { OutriderError } from '@outrider/tensor'

export interface LearningRateOptions {
  /** The highest rate, reached when the warm-up ends. */
  peak: number
  /** Steps in all. */
  steps: number
  /** Steps of linear growth from 0. Default: a twentieth of all. */
  warmup?: number | undefined
  /** How it falls after that. Default cosine. */
  decay?: 'cosine' | 'linear' | 'constant' | undefined
  /** The rate at the end, as a part of the peak. Default 0.1. */
  floor?: number | undefined
}

/**
 * The learning rate of a step (counted from 0): linear warm-up to the peak, then
 * floor + (peak − floor) · ½(1 + cos πx) or floor + (peak − floor) · (1 − x), x the part of the rest that is done.
 */
export function learningRate(
  step: number,
  { peak, steps, warmup = Math.ceil(steps / 20), decay = 'cosine', floor = 0.1 }: LearningRateOptions,
): number {
  if (!(peak > 0)) throw new OutriderError('INVALID_ARGUMENT', `The learning rate must be positive, not ${peak}.`)
  if (step < warmup) return (peak * (step + 1)) / warmup
  if (decay === 'constant') return peak
  const progress = Math.min(1, (step - warmup) / Math.max(1, steps - warmup))
  const remaining = decay === 'cosine' ? (1 + Math.cos(Math.PI * progress)) / 2 : 1 - progress
  return peak * (floor + (1 - floor) * remaining)
}

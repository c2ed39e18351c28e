import { OutriderError } from '@outrider/tensor'
import type { DataSource } from '../formats/row'

/** Sources and their shares, as `mix` makes them. */
export interface Mixture {
  readonly components: readonly { readonly name: string; readonly source: DataSource; readonly weight: number }[]
}

/**
 * Sources mixed by the row in a fixed ratio: `mix({ distillation: [answers, 9], pretraining: [texts, 1] })` gives nine rows
 * of answers to one of text (the paper's ratio). Each source is gone through again and again in a shuffled order.
 *
 * @throws OutriderError INVALID_ARGUMENT for shares that are not positive
 */
export function mix(components: Readonly<Record<string, readonly [DataSource, number]>>): Mixture {
  const list = Object.entries(components).map(([name, [source, weight]]) => ({ name, source, weight }))
  if (list.length === 0) throw new OutriderError('INVALID_ARGUMENT', 'mix: there are no sources.')
  for (const { name, weight } of list)
    if (!(weight > 0 && Number.isFinite(weight)))
      throw new OutriderError('INVALID_ARGUMENT', `mix: the share of ${name} must be positive, not ${weight}.`)
  return { components: list }
}

/** Of components with given weights and rows taken so far, the one whose turn it is: that which is furthest behind its share. */
export function nextComponent(weights: readonly number[], taken: readonly number[]): number {
  const total = weights.reduce((a, b) => a + b, 0)
  const rows = taken.reduce((a, b) => a + b, 0) + 1
  let best = 0
  let largest = Number.NEGATIVE_INFINITY
  for (const [i, weight] of weights.entries()) {
    const behind = (weight / total) * rows - taken[i]!
    if (behind > largest + 1e-9) {
      largest = behind
      best = i
    }
  }
  return best
}

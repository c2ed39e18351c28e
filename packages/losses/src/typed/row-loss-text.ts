import { OutriderError } from '@outrider/tensor'
import type { RowLoss } from '../row-loss/row-loss'

/**
 * A row loss as the text that `parseRowLoss` reads: to show its formulas, and to begin one's own from.
 *
 * @throws OutriderError INVALID_ARGUMENT for a weighted sum of several
 */
export function rowLossText({ name: loss, terms }: RowLoss): string {
  const [term, ...others] = terms
  if (!term || others.length > 0 || term.weight !== 1)
    throw new OutriderError('INVALID_ARGUMENT', `${loss} is a weighted sum, which has no text of its own.`, {
      remedy: 'Write out its terms one by one.',
    })
  const { name, sums = {}, pooled, value, weight, weightedMass, statistics = {} } = term.definition
  const lines = [
    `name = ${name}`,
    ...Object.entries(sums).map(([sum, expression]) => `sum ${sum} = ${expression}`),
    ...(pooled?.names ?? []).map((sum) => `pool ${sum} over ${pooled!.scope}`),
    `value = ${value}`,
    weight === undefined ? `weightedMass = ${weightedMass}` : `weight = ${weight}`,
    ...Object.entries(statistics).map(([statistic, expression]) => `statistic ${statistic} = ${expression}`),
  ]
  return `${lines.join('\n')}\n`
}

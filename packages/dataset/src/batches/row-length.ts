import { OutriderError } from '@outrider/tensor'
import type { ModelConfig } from '@outrider/transformer'

/**
 * The most positions a row may have: what is asked for, or 128, or the shortest context where that is shorter. Positions past
 * a context are none that the model knows, and no answer reaches them.
 *
 * @param models  those that read the rows, by what they are to the reader: `{ target, draft }`
 * @param length  what is asked for
 * @throws OutriderError INVALID_ARGUMENT where it is beyond the context of one of them, or no positive whole number
 */
export function rowLength(
  models: Readonly<Record<string, { readonly config: Pick<ModelConfig, 'contextLength'> }>>,
  length?: number,
): number {
  const contexts = Object.entries(models).map(([name, { config }]) => [name, config.contextLength] as const)
  const most = Math.min(...contexts.map(([, context]) => context))
  if (length === undefined) return Math.min(128, most)
  if (!(Number.isInteger(length) && length > 0))
    throw new OutriderError('INVALID_ARGUMENT', `length must be a positive whole number, not ${length}.`)
  const shortest = contexts.find(([, context]) => context === most)
  if (!shortest || length <= most) return length
  throw new OutriderError(
    'INVALID_ARGUMENT',
    `length is ${length}, beyond the context of the ${shortest[0]}, which has ${most} positions.`,
    { remedy: `Give a length of at most ${most}.`, details: { length, contextLength: most } },
  )
}

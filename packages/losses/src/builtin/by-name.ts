import { OutriderError } from '@outrider/tensor'
import type { RowLoss } from '../row-loss/row-loss'
import { jsd } from './jsd'
import { klTvHybrid } from './kl-tv-hybrid'
import { kld } from './kld'
import { labelCrossEntropy } from './label-cross-entropy'
import { negativeLogAcceptance } from './negative-log-acceptance'
import { reverseKld } from './reverse-kld'
import { tvd } from './tvd'
import { tvdPlusPlus } from './tvd-plus-plus'

/** The losses that come with the package, by the name a command line knows them by. */
const plain: Readonly<Record<string, RowLoss>> = {
  kld,
  'reverse-kld': reverseKld,
  tvd,
  'tvd++': tvdPlusPlus(),
  'tvd++-position': tvdPlusPlus({ scope: 'position' }),
  'tvd++-sequence': tvdPlusPlus({ scope: 'sequence' }),
  'tvd++-sampled': tvdPlusPlus({ estimator: 'sampled' }),
  'tvd++-sequence-sampled': tvdPlusPlus({ scope: 'sequence', estimator: 'sampled' }),
  'negative-log-acceptance': negativeLogAcceptance,
  'cross-entropy': labelCrossEntropy,
}

/** Those that take a number, as in 'jsd(0.3)'. */
const numbered: Readonly<Record<string, (number?: number) => RowLoss>> = { jsd, 'kl-tv-hybrid': klTvHybrid }

/** Names that `lossByName` knows. */
export const lossNames: readonly string[] = [...Object.keys(plain), ...Object.keys(numbered)]

/**
 * A built-in loss by name, with its number where it takes one: 'kld', 'jsd', 'jsd(0.3)'.
 *
 * @throws OutriderError INVALID_ARGUMENT for a name that there is not, or a number that the loss does not take
 */
export function lossByName(text: string): RowLoss {
  const [, name = '', argument] = /^([a-z+-]+)(?:\((.+)\))?$/.exec(text.trim()) ?? []
  if (Object.hasOwn(numbered, name)) return numbered[name]!(argument === undefined ? undefined : Number(argument))
  const refuse = (what: string, remedy: string) => new OutriderError('INVALID_ARGUMENT', what, { remedy })
  if (!Object.hasOwn(plain, name))
    throw refuse(`There is no loss "${text}".`, `Use one of ${lossNames.join(', ')}; or ${examples}.`)
  if (argument !== undefined) throw refuse(`The loss "${name}" takes no number.`, `Write "${name}" alone.`)
  return plain[name]!
}

const examples = Object.keys(numbered)
  .map((name) => `${name}(0.5)`)
  .join(', ')

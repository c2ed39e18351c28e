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

/** The losses that come with the package, by the name a command line knows them by; some take a number. */
const builtin: Readonly<Record<string, (argument?: number) => RowLoss>> = {
  kld: () => kld,
  'reverse-kld': () => reverseKld,
  jsd,
  tvd: () => tvd,
  'tvd++': () => tvdPlusPlus(),
  'tvd++-position': () => tvdPlusPlus({ scope: 'position' }),
  'tvd++-sequence': () => tvdPlusPlus({ scope: 'sequence' }),
  'tvd++-sampled': () => tvdPlusPlus({ estimator: 'sampled' }),
  'negative-log-acceptance': () => negativeLogAcceptance,
  'kl-tv-hybrid': klTvHybrid,
  'cross-entropy': () => labelCrossEntropy,
}

/** Names that `lossByName` knows. */
export const lossNames: readonly string[] = Object.keys(builtin)

/**
 * A built-in loss by name, with its number where it takes one: 'kld', 'jsd(0.3)'.
 *
 * @throws OutriderError INVALID_ARGUMENT for a name that there is not
 */
export function lossByName(text: string): RowLoss {
  const match = /^([a-z+-]+)(?:\(([\d.]+)\))?$/.exec(text)
  const make = match ? builtin[match[1]!] : undefined
  if (!make)
    throw new OutriderError('INVALID_ARGUMENT', `There is no loss "${text}".`, {
      remedy: `Use one of ${lossNames.join(', ')}.`,
    })
  return make(match![2] === undefined ? undefined : Number(match![2]))
}

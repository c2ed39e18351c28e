import { OutriderError } from '@outrider/tensor'
import { blockVerification } from './block'
import type { VerificationRule } from './rule'
import { tokenVerification } from './token'

/** The rules that come with the package, by the name a command line knows them by. */
const builtIn = { token: tokenVerification, block: blockVerification }

export type VerificationName = keyof typeof builtIn

/** One of the rules that come with the package, by its name, or one of your own. */
export type Verification = VerificationName | VerificationRule

/** Names of the rules that come with the package. */
export const verificationNames = Object.keys(builtIn) as readonly VerificationName[]

/** @throws OutriderError INVALID_ARGUMENT for a name that there is not */
export function verificationRule(verification: Verification): VerificationRule {
  if (typeof verification === 'object') return verification
  if (Object.hasOwn(builtIn, verification)) return builtIn[verification]
  throw new OutriderError(
    'INVALID_ARGUMENT',
    `verification is "${verification}"; it must be ${verificationNames.map((name) => `"${name}"`).join(' or ')}.`,
  )
}

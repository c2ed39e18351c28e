import type { SpeculationFigures } from '@outrider/speculative'
import { fixed } from './numbers'

type Verdict = Pick<SpeculationFigures, 'meanAcceptanceLength' | 'neededAcceptanceLength' | 'pays'>

/** Whether speculation pays, and by what: the tokens that a block brings, and those that its time is worth. */
export function paysText({ meanAcceptanceLength, neededAcceptanceLength, pays }: Verdict): string {
  const verdict = pays === null ? 'measuring' : pays ? 'it pays' : 'it does not pay here'
  return `${fixed(meanAcceptanceLength)} tokens a block, ${fixed(neededAcceptanceLength)} needed: ${verdict}`
}

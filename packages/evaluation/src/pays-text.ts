import type { SpeculationReport } from '@outrider/speculative'
import { fixed } from '../terminal'

type Verdict = Pick<SpeculationReport, 'mean_acceptance_length' | 'needed_acceptance_length' | 'pays'>

/** Whether speculation pays, and by what: the tokens that a block brings, and those that its time is worth. */
export function paysText({ mean_acceptance_length, needed_acceptance_length, pays }: Verdict): string {
  const verdict = pays === null ? 'measuring' : pays ? 'it pays' : 'it does not pay here'
  return `${fixed(mean_acceptance_length)} tokens a block, ${fixed(needed_acceptance_length)} needed: ${verdict}`
}

import { type HiddenStateFiles, openHiddenStates } from '@outrider/training'
import { directory } from '@outrider/transformer'
import type { Command } from 'commander'
import type { Context } from '../context'
import { count } from '../terminal'
import { refusedBeside } from './given'

export interface HiddenStatesFlags {
  hiddenStates?: string
}

export const withHiddenStates = (command: Command): Command =>
  command.option(
    '--hidden-states <dir>',
    'the target’s last hidden states, before its final norm, as speculators and vLLM write them (a .safetensors file a row, of the tokens of --data): of --target only the head is then loaded',
  )

/** Flags of a target that reads here, or tells otherwise. */
type OfTargetHere = Record<'targets' | 'text' | 'onPolicy' | 'targetStates' | 'cacheDtype', unknown>

/**
 * Makes sure that nothing is asked of hidden states that only a whole target can say.
 *
 * @throws OutriderError INVALID_ARGUMENT
 */
export function assertHiddenStates(flags: HiddenStatesFlags & Partial<OfTargetHere>): void {
  if (flags.hiddenStates === undefined) return
  refusedBeside('--hidden-states', flags, [
    ['targets', '--targets', 'each is what the target says, by itself'],
    ['text', '--text', 'what the target thinks of it is not in the files'],
    ['onPolicy', '--on-policy', 'the target would have to read what the draft draws'],
    ['targetStates', '--target-states', 'the files are there already'],
    ['cacheDtype', '--cache-dtype', 'of the target only the head is loaded'],
  ])
}

/** Those of a folder. */
export async function hiddenStatesIn({ terminal }: Context, folder: string): Promise<HiddenStateFiles> {
  const found = await openHiddenStates(directory(folder))
  terminal.noteParagraph(`Hidden states: ${count(found.rows)} rows in ${folder}`, '  ')
  return found
}

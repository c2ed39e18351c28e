import { OutriderError } from '@outrider/tensor'
import type { Command } from 'commander'
import { integer } from './parse'

/** Which of several machines this is. */
export interface ShareFlags {
  rank: number
  worldSize: number
}

/** @param what  what each of them does with its own rows */
export const withShare = (command: Command, what: string): Command =>
  command
    .option('--rank <n>', 'which of several machines this is, from 0', integer(), 0)
    .option('--world-size <n>', `how many there are; ${what}`, integer({ least: 1 }), 1)

/** @throws OutriderError INVALID_ARGUMENT */
export function assertShare({ rank, worldSize }: ShareFlags): void {
  if (rank < worldSize) return
  throw new OutriderError('INVALID_ARGUMENT', `--rank ${rank} is none of ${worldSize}.`, {
    remedy: `Give one from 0 to ${worldSize - 1}, or another --world-size.`,
  })
}

import type { Measured } from '@outrider/align'
import { allTasks } from '@outrider/evaluation'
import { fixed, type Terminal } from '../terminal'

/** Each way of drafting beside plain decoding, over all tasks. */
export function printWays(terminal: Terminal, { rows }: Measured): void {
  terminal.printTable(
    [{ title: 'drafted by' }, ...['T', 'γ', 'τ', 'α', 'plain tok/s', 'tok/s', 'speed-up'].map(right)],
    rows
      .filter(({ task }) => task === allTasks)
      .map((row) => [
        row.draft,
        `${row.temperature}`,
        `${row.draftLength}`,
        fixed(row.blockEfficiency),
        fixed(row.acceptanceRate),
        fixed(row.plainTokensPerSecond, 1),
        fixed(row.tokensPerSecond, 1),
        `${fixed(row.speedUp)}×`,
      ]),
  )
}

const right = (title: string) => ({ title, align: 'right' as const })

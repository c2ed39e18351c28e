import { byTask, type Measured } from '@outrider/align'
import { allTasks } from '@outrider/evaluation'
import { fixed, type Terminal } from '../terminal'

/** Each way of drafting beside plain decoding: over all tasks, and by task where these can be told apart. */
export function printWays(terminal: Terminal, measured: Measured): void {
  terminal.printTable(
    [{ title: 'drafted by' }, ...['T', 'γ', 'τ', 'α', 'plain tok/s', 'tok/s', 'speed-up'].map(right)],
    measured.rows
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
  const tasks = byTask(measured)
  if (tasks.length === 0) return
  terminal.print('\nBy task, with γ auto: speed-up, and τ')
  terminal.printTable(
    [{ title: 'asked' }, ...['prompts', 'T', ...tasks[0]!.ways.map(({ way }) => way)].map(right)],
    tasks.map(({ task, prompts, temperature, ways }) => [
      task,
      `${prompts}`,
      `${temperature}`,
      ...ways.map(({ speedUp, blockEfficiency }) => `${fixed(speedUp)}× (${fixed(blockEfficiency)})`),
    ]),
  )
}

const right = (title: string) => ({ title, align: 'right' as const })

import { allTasks, type EvaluationRow, temperatureText } from '@outrider/evaluation'
import { fixed, table } from '../terminal'

/** A table for each way of sampling and γ, headed by the draft that was fastest, 80 columns wide: τ over all tasks and by task, then the other figures over all. */
export function resultTables(rows: readonly EvaluationRow[], heading: (text: string) => string): string {
  const tasks = [...new Set(rows.map(({ task }) => task))].filter((task) => task !== allTasks)
  const right = (title: string) => ({ title, align: 'right' as const })
  const columns = [{ title: 'draft' }, ...['τ', ...tasks, 'α', 'MBSU', 'tok/s', 'speed-up'].map(right)]
  const over = rows.filter(({ task }) => task === allTasks)
  const settings = over.filter((row, i) => over.findIndex((other) => sameSetting(other, row)) === i)
  return settings
    .sort((a, b) => a.temperature - b.temperature || Number(a.draftLength) - Number(b.draftLength))
    .map((setting) => {
      const { temperature, draftLength, plainTokensPerSecond } = setting
      const own = over.filter((row) => sameSetting(row, setting))
      const fastest = own.reduce((a, b) => (b.tokensPerSecond > a.tokensPerSecond ? b : a))
      const title = `${temperatureText(temperature)}, γ = ${draftLength}; plain decoding: ${fixed(plainTokensPerSecond, 0)} tokens/s; fastest: ${fastest.draft}`
      const lines = own.map((row) => {
        const tau = (task: string) =>
          rows.find((other) => sameSetting(other, row) && other.draft === row.draft && other.task === task)
            ?.blockEfficiency
        return [
          row.draft,
          fixed(row.blockEfficiency),
          ...tasks.map((task) => fixed(tau(task))),
          fixed(row.acceptanceRate),
          fixed(row.mbsu),
          fixed(row.tokensPerSecond, 0),
          `${fixed(row.speedUp ?? 0)}×`,
        ]
      })
      return `${heading(title)}\n${table(columns, lines)}`
    })
    .join('\n\n')
}

const sameSetting = (a: EvaluationRow, b: EvaluationRow): boolean =>
  a.draftLength === b.draftLength && a.temperature === b.temperature

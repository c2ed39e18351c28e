import { allTasks, type EvaluationRow, temperatureText } from '../report/index'
import { fixed, table } from '../terminal'

/** One line per way of sampling, γ and draft: τ by task, then the figures over all tasks. */
export function resultTable(rows: readonly EvaluationRow[]): string {
  const tasks = [...new Set(rows.map(({ task }) => task))].filter((task) => task !== allTasks)
  const right = (title: string) => ({ title, align: 'right' as const })
  const columns = [
    { title: 'sampling' },
    right('γ'),
    { title: 'draft' },
    ...tasks.map((task) => right(`τ ${task}`)),
    right('τ all'),
    right('α'),
    right('MBSU'),
    right('plain tok/s'),
    right('spec. tok/s'),
    right('speed-up'),
  ]
  const lines = rows
    .filter(({ task }) => task === allTasks)
    .sort((a, b) => a.temperature - b.temperature || a.draftLength - b.draftLength)
    .map((row) => {
      const tau = (task: string) =>
        rows.find(
          (other) =>
            other.task === task &&
            other.draft === row.draft &&
            other.draftLength === row.draftLength &&
            other.temperature === row.temperature,
        )?.blockEfficiency
      return [
        temperatureText(row.temperature),
        String(row.draftLength),
        row.draft,
        ...tasks.map((task) => fixed(tau(task))),
        fixed(row.blockEfficiency),
        fixed(row.acceptanceRate),
        fixed(row.mbsu),
        fixed(row.plainTokensPerSecond, 0),
        fixed(row.speculativeTokensPerSecond, 0),
        `${fixed(row.speedUp)}×`,
      ]
    })
  return table(columns, lines)
}

import { ScrollArea } from '../../controls/index'
import type { BlockWay, BudgetState } from '../../engine/index'

/** Each way of drafting beside plain decoding: over all held-out prompts, and by task where tasks could be told apart. */
export function Ways({ ways, tasks }: { ways: readonly BlockWay[]; tasks: BudgetState['tasks'] }) {
  return (
    <section class="card run-ways" aria-labelledby="ways-title">
      <header class="card-header">
        <h2 id="ways-title">Measured in turns</h2>
      </header>
      <ScrollArea label="Ways of drafting, measured, a table">
        <table class="table">
          <thead>
            <tr>
              <th scope="col">Drafted by</th>
              {['T', 'γ', 'τ', 'α', 'plain tokens/s', 'tokens/s', 'speed-up'].map((title) => (
                <th scope="col" class="numeric" key={title}>
                  {title}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {ways.map((way) => (
              <tr key={`${way.draft} ${way.temperature} ${way.draftLength}`}>
                <th scope="row">{way.draft}</th>
                <td class="numeric">{way.temperature}</td>
                <td class="numeric">{way.draftLength}</td>
                <td class="numeric">{figure(way.blockEfficiency)}</td>
                <td class="numeric">{figure(way.acceptanceRate)}</td>
                <td class="numeric">{figure(way.plainTokensPerSecond, 1)}</td>
                <td class="numeric">{figure(way.tokensPerSecond, 1)}</td>
                <td class="numeric">{figure(way.speedUp)}×</td>
              </tr>
            ))}
          </tbody>
        </table>
      </ScrollArea>
      {tasks.length > 0 && <Tasks tasks={tasks} />}
    </section>
  )
}

function Tasks({ tasks }: Pick<BudgetState, 'tasks'>) {
  return (
    <ScrollArea label="Ways of drafting by task, a table">
      <table class="table">
        <caption>By task, with γ auto: speed-up, and τ</caption>
        <thead>
          <tr>
            <th scope="col">Asked</th>
            {['prompts', 'T', ...tasks[0]!.ways.map(({ way }) => way)].map((title) => (
              <th scope="col" class="numeric" key={title}>
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {tasks.map(({ task, prompts, temperature, ways }) => (
            <tr key={`${task} ${temperature}`}>
              <th scope="row">{task}</th>
              <td class="numeric">{prompts}</td>
              <td class="numeric">{temperature}</td>
              {ways.map(({ way, speedUp, blockEfficiency }) => (
                <td class="numeric" key={way}>
                  {figure(speedUp)}× ({figure(blockEfficiency)})
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </ScrollArea>
  )
}

const figure = (value: number | null | undefined, decimals = 2) =>
  value == null || Number.isNaN(value) ? '–' : value.toFixed(decimals)

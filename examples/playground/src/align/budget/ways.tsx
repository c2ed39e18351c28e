import { ScrollArea } from '../../controls/index'
import type { BudgetState } from '../../engine/index'

/** Each way of drafting beside plain decoding, over all held-out prompts. */
export function Ways({ ways }: Pick<BudgetState, 'ways'>) {
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
    </section>
  )
}

const figure = (value: number | null | undefined, decimals = 2) =>
  value == null || Number.isNaN(value) ? '–' : value.toFixed(decimals)

import { engineState } from '../app/engine'
import type { Figures as Numbers } from '../engine/index'
import { figures, resetFigures } from './conversation'
import { PositionBars } from './position-bars'

/** How speculation goes, live. */
export function Figures() {
  const now = figures.value
  const { draft } = engineState.value
  return (
    <section class="card figures" aria-labelledby="figures-title">
      <header class="card-header">
        <h2 id="figures-title">
          Figures <Verdict now={now} />
        </h2>
        {now && (
          <button type="button" class="link" onClick={() => void resetFigures()}>
            Reset
          </button>
        )}
      </header>
      <p class="hero">
        <strong>{number(now?.blockEfficiency, 2)}</strong>
        <span>
          tokens a pass of the model
          <small>block efficiency τ; plain decoding has 1</small>
        </span>
      </p>
      <dl class="facts">
        <div>
          <dt>
            Acceptance rate <i>α</i>
          </dt>
          <dd>{number(now?.acceptanceRate, 3)}</dd>
        </div>
        <div>
          <dt>
            Pays from <i>α</i> of
          </dt>
          <dd>{breakEven(now)}</dd>
        </div>
        <div>
          <dt>Accepted / drafted</dt>
          <dd>{now && now.drafted > 0 ? `${now.accepted} / ${now.drafted}` : '–'}</dd>
        </div>
        {draft && (
          <div>
            <dt>A draft step costs</dt>
            <dd>{now?.costRatio == null ? '–' : `${number(now.costRatio, 2)} passes`}</dd>
          </div>
        )}
      </dl>
      <Speeds now={now} />
      <PositionBars positions={now?.positions ?? []} />
    </section>
  )
}

/** Whether speculation pays: by the tokens that a block brings, against those that its time is worth. */
function Verdict({ now }: { now: Numbers | undefined }) {
  if (now?.acceptanceLength == null || !now.measured) return null
  const { pays, acceptanceLength, neededLength } = now
  if (pays === null) return <span class="badge">measuring</span>
  const title = `A block brings ${number(acceptanceLength, 2)} tokens; it must bring ${number(neededLength, 2)}.`
  return (
    <span class="badge" data-tone={pays ? 'good' : 'warning'} title={title}>
      {pays ? 'it pays' : 'it does not pay here'}
    </span>
  )
}

/** Tokens a second, with and without speculation. */
function Speeds({ now }: { now: Numbers | undefined }) {
  const rows = [
    { name: 'Speculative', kind: 'draft', rate: now?.speculativeRate ?? null },
    { name: 'Plain', kind: 'plain', rate: now?.plainRate ?? null },
  ]
  const most = Math.max(...rows.map(({ rate }) => rate ?? 0), 1e-9)
  return (
    <table class="speeds">
      <caption>Tokens a second</caption>
      <tbody>
        {rows.map(({ name, kind, rate }) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            <td class="speeds-bar" aria-hidden="true">
              <span data-kind={kind} style={{ width: `${((rate ?? 0) / most) * 100}%` }} />
            </td>
            <td class="speeds-rate">{rate === null ? '–' : rate >= 100 ? rate.toFixed(0) : rate.toFixed(1)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

function breakEven(now: Numbers | undefined): string {
  if (!now?.measured) return '–'
  return now.breakEven === null ? 'none' : now.breakEven === 0 ? 'any' : now.breakEven.toFixed(2)
}

const number = (value: number | null | undefined, digits: number) => (value == null ? '–' : value.toFixed(digits))

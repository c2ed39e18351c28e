import type { SpeculationFigures } from '@outrider/speculative'
import { engineState } from '../app/engine'
import { figures, resetFigures } from './conversation'
import { PositionBars } from './position-bars'
import { positionsOf } from './positions'

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
        <strong>{number(now?.numTargetPasses ? now.blockEfficiency : null, 2)}</strong>
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
          <dd>{number(now?.numDrafts ? now.acceptanceRate : null, 3)}</dd>
        </div>
        <div>
          <dt>
            Pays from <i>α</i> of
          </dt>
          <dd>{breakEven(now)}</dd>
        </div>
        <div>
          <dt>Accepted / drafted</dt>
          <dd>{now?.numDrafts ? `${now.numAcceptedTokens} / ${now.numDraftTokens}` : '–'}</dd>
        </div>
        {draft && (
          <div>
            <dt>{draft.isParallel ? 'Drafting a block costs' : 'A draft step costs'}</dt>
            <dd>{now?.costRatio == null ? '–' : `${number(now.costRatio, 2)} passes`}</dd>
          </div>
        )}
      </dl>
      <Drafters now={now} />
      <Speeds now={now} />
      <PositionBars positions={now ? positionsOf(now) : []} />
    </section>
  )
}

/** Whether speculation pays: by the tokens that a block brings, against those that its time is worth. */
function Verdict({ now }: { now: SpeculationFigures | undefined }) {
  if (!now?.numDrafts || now.neededAcceptanceLength === null) return null
  const { pays, meanAcceptanceLength, neededAcceptanceLength } = now
  if (pays === null) return <span class="badge">measuring</span>
  const title = `A block brings ${number(meanAcceptanceLength, 2)} tokens; it must bring ${number(neededAcceptanceLength, 2)}.`
  return (
    <span class="badge" data-tone={pays ? 'good' : 'warning'} title={title}>
      {pays ? 'it pays' : 'it does not pay here'}
    </span>
  )
}

/** Who drafted what was accepted, where there is more than one who may. */
function Drafters({ now }: { now: SpeculationFigures | undefined }) {
  if (!now || now.drafters.length < 2) return null
  return (
    <dl class="facts drafters">
      {now.drafters.map(({ drafter, numAcceptedTokens, numDraftTokens }) => (
        <div key={drafter}>
          <dt>{names[drafter] ?? drafter}</dt>
          <dd>
            {numAcceptedTokens} / {numDraftTokens}
          </dd>
        </div>
      ))}
    </dl>
  )
}

const names: Record<string, string> = { prompt: 'Looked up', answers: 'From answers', model: 'By the draft' }

/** Tokens a second, with and without speculation. */
function Speeds({ now }: { now: SpeculationFigures | undefined }) {
  const rows = [
    { name: 'Speculative', kind: 'draft', rate: now?.tokensPerSecond || null },
    { name: 'Plain', kind: 'plain', rate: now?.plainTokensPerSecond ?? null },
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

function breakEven(now: SpeculationFigures | undefined): string {
  if (!now || now.costRatio === null) return '–'
  const even = now.breakEvenAcceptanceRate
  return even === null ? 'none' : even === 0 ? 'any' : even.toFixed(2)
}

const number = (value: number | null | undefined, digits: number) => (value == null ? '–' : value.toFixed(digits))

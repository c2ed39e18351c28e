import { countOf } from '../../app/numbers'
import { Facts, ScrollArea } from '../../controls/index'
import type { BudgetState } from '../../engine/index'

type Plan = NonNullable<BudgetState['plan']>

/** What was measured before anything was trained, and what follows from it. */
export function PlanCard({ plan, planned }: { plan: Plan; planned: BudgetState['planned'] }) {
  return (
    <section class="card run-plan" aria-labelledby="plan-title">
      <header class="card-header">
        <h2 id="plan-title">What a draft could bring here</h2>
      </header>
      <div class="run-plan-parts">
        <Facts of={factsOf(plan, planned)} />
        <div>
          <Ceilings plan={plan} />
          <p class="hint">
            A draft pays where the model's passes yield more than τ tokens; speed-ups by the share α of its tokens that
            are accepted. By what passes cost here, and nothing else.
          </p>
        </div>
      </div>
    </section>
  )
}

function factsOf({ look, kind, generate, draftLength }: Plan, planned: BudgetState['planned']): [string, string][] {
  const { targetSeconds } = look.candidates[0]!.costs
  const [one, ...others] = targetSeconds
  const block = others.find(({ rows }) => rows >= draftLength + 1)
  const answers = generate.given * generate.temperatures.length + generate.written
  return [
    ['The draft', planned?.draft ?? ''],
    ['Tokens a draft, γ', `${draftLength}`],
    [kind === 'chat' ? 'Answers to learn from' : 'Texts to learn from', `${answers}`],
    ['All of it takes', planned?.time ?? ''],
    ['A pass of the model', `${(1000 * one!.seconds).toFixed(1)} ms`],
    ...(block ? [[`of ${block.rows} rows`, `${(block.seconds / one!.seconds).toFixed(2)}×`] as [string, string]] : []),
    [
      'Lookups alone, for nothing',
      look.lookupSpeedUp === null ? 'too few answers to say' : `${look.lookupSpeedUp.toFixed(2)}×`,
    ],
  ]
}

function Ceilings({ plan: { look, draft, draftLength } }: { plan: Plan }) {
  const rates = look.candidates[0]!.ceilings[0]!.speedUp.map(({ acceptanceRate }) => acceptanceRate)
  const chosen = JSON.stringify(draft)
  return (
    <ScrollArea label="What drafts could bring, a table">
      <table class="table">
        <thead>
          <tr>
            <th scope="col">Draft</th>
            <th scope="col" class="numeric">
              γ
            </th>
            <th scope="col" class="numeric">
              pays from τ
            </th>
            {rates.map((rate) => (
              <th scope="col" class="numeric" key={rate}>
                α {rate}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {look.candidates.flatMap(({ shape, parameters, ceilings }) =>
            ceilings.map(({ draftLength: length, breakEvenTokens, speedUp }, i) => (
              <tr
                key={`${shape.layers} ${shape.hiddenSize} ${length}`}
                data-chosen={length === draftLength && JSON.stringify(shape) === chosen}
              >
                <th scope="row">{i === 0 && `${shape.layers} × ${shape.hiddenSize}, ${countOf(parameters)}`}</th>
                <td class="numeric">{length}</td>
                <td class="numeric">{breakEvenTokens.toFixed(2)}</td>
                {speedUp.map(({ acceptanceRate, speedUp: gain }) => (
                  <td class="numeric" key={acceptanceRate}>
                    {gain.toFixed(2)}×
                  </td>
                ))}
              </tr>
            )),
          )}
        </tbody>
      </table>
    </ScrollArea>
  )
}

import { useMemo } from 'preact/hooks'
import { draftLengths } from '../engine/align/plan'
import type { AlignState } from '../engine/index'
import { pointsOf, runningMean } from './curves'
import { Plot, type Series } from './plot'

interface Chart {
  title: string
  note: string
  series: Series[]
  /** The least range of values to show. */
  range: readonly [number, number]
}

/** Loss, α and simulated acceptance length as training goes. */
export function Charts({ state }: { state: AlignState }) {
  const { steps, charts } = useMemo(() => chartsOf(state), [state.history, state.plan])
  const boundary = state.plan?.pretraining.steps ?? 0
  return (
    <div class="plots">
      {charts.map((chart) => (
        <Plot key={chart.title} {...chart} steps={steps} boundary={boundary} />
      ))}
    </div>
  )
}

function chartsOf(state: AlignState): { steps: number[]; charts: Chart[] } {
  const points = pointsOf(state)
  const losses = points.map(({ loss }) => loss)
  const rates = points.map(({ acceptanceRate }) => acceptanceRate)
  const begun = points.findIndex(({ step }) => step > (state.plan?.pretraining.steps ?? 0))
  /** Of pretraining and distillation each by itself: their losses are different ones. */
  const smooth =
    begun < 0 ? runningMean(losses) : [...runningMean(losses.slice(0, begun)), ...runningMean(losses.slice(begun))]
  const colours = ['--bonus', '--correction'] as const
  return {
    steps: points.map(({ step }) => step),
    charts: [
      {
        title: 'Loss',
        note: 'Cross-entropy until the dashed line, then the loss that was chosen. Held out: cross-entropy on answers that are not learned from.',
        range: [0, 0.1],
        series: trainedAndHeldOut(
          losses,
          smooth,
          points.map(({ heldOutLoss }) => heldOutLoss),
        ),
      },
      {
        title: 'Acceptance rate α',
        note: 'The chance that a drafted token is accepted: Σ min(p, q), the mean over positions.',
        range: [0, 1],
        series: trainedAndHeldOut(
          rates,
          runningMean(rates),
          points.map(({ heldOutAcceptanceRate }) => heldOutAcceptanceRate),
        ),
      },
      {
        title: 'Simulated acceptance length',
        note: 'Tokens a pass of the model that drafts of γ would yield on the held-out answers; plain decoding has 1.',
        range: [1, 2],
        series: draftLengths.map((gamma, i) => ({
          label: `γ = ${gamma}`,
          values: points.map(({ acceptanceLength }) => acceptanceLength?.[gamma] ?? null),
          colour: colours[i % colours.length]!,
          kind: 'dots',
        })),
      },
    ],
  }
}

type Values = Series['values']

const trainedAndHeldOut = (each: Values, training: Values, heldOut: Values): Series[] => [
  { label: 'each step', values: each, colour: '--accent', kind: 'thin' },
  { label: 'training', values: training, colour: '--accent' },
  { label: 'held out', values: heldOut, colour: '--bonus', kind: 'dots' },
]

import { useMemo } from 'preact/hooks'
import { draftLengths } from '../engine/align/plan'
import { type LoggedPart, pointsOf, runningMean } from './curves'
import { Plot, type Series } from './plot'

interface Chart {
  title: string
  note: string
  series: Series[]
  /** The least range of values to show. */
  range: readonly [number, number]
}

/** Loss, α and simulated acceptance length as training goes, part after part. */
export function Charts({ parts, lossNote }: { parts: readonly LoggedPart[]; lossNote: string }) {
  const { steps, charts } = useMemo(() => chartsOf(parts, lossNote), [parts, lossNote])
  const boundaries = parts.map(({ offset }) => offset)
  return (
    <div class="plots">
      {charts.map((chart) => (
        <Plot key={chart.title} {...chart} steps={steps} boundaries={boundaries} />
      ))}
    </div>
  )
}

function chartsOf(parts: readonly LoggedPart[], lossNote: string): { steps: number[]; charts: Chart[] } {
  const points = pointsOf(parts)
  const losses = points.map(({ loss }) => loss)
  const rates = points.map(({ acceptanceRate }) => acceptanceRate)
  /** Of each part by itself: their losses are different ones. */
  const smooth = parts.flatMap(({ offset }, i) => {
    const next = parts[i + 1]?.offset ?? Number.POSITIVE_INFINITY
    const own = points.filter(({ step }) => step > offset && step <= next)
    return runningMean(own.map(({ loss }) => loss))
  })
  const colours = ['--bonus', '--correction'] as const
  return {
    steps: points.map(({ step }) => step),
    charts: [
      {
        title: 'Loss',
        note: `${lossNote} Held out: cross-entropy on answers that are not learned from.`,
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

import { type Curves, duration, modelFacts, type ReportData, renderReport, shapeText } from '@outrider/evaluation'
import { heldOutFigure, type LogEntry } from '@outrider/training'
import { type PretrainedModel, parameterCount } from '@outrider/transformer'
import { ofTasks } from './by-task'
import { shapeName } from './look/draft-shape'
import type { StageResults } from './results'
import type { Run } from './stages/run'

export const reportFile = 'report.html'

/** Writes the report of a finished run beside its draft, as one HTML file. */
export async function writeReport(
  { target, device, out, plan }: Run,
  results: StageResults,
  { draft, verdict }: { draft: PretrainedModel; verdict: string },
): Promise<void> {
  const { evaluate, distill, pretrain, generate } = results
  const targetFacts = {
    ...{ name: plan.target.name, role: 'target' },
    ...{ parameters: parameterCount(target.config), shape: shapeText(target.config) },
  }
  const data: ReportData = {
    title: 'A draft, aligned with its target',
    lead: verdict,
    created: new Date().toISOString().slice(0, 16).replace('T', ' '),
    adapter: device.adapterName,
    models: [targetFacts, modelFacts('draft', 'draft', draft)],
    curves: [
      ...(pretrain ? [curves('Pretraining', 'cross-entropy', [['loss', losses(pretrain.found.history)]])] : []),
      ...(distill
        ? [
            curves(
              'Held out: tokens of a block of three drafts',
              'τ',
              distill.found.phases.map(({ loss, history }) => [loss, heldOut(history)]),
            ),
          ]
        : []),
    ],
    evaluation: evaluate ? ofTasks(evaluate.found) : [],
    settings: {
      Draft: { shape: shapeName(plan.draft), γ: plan.draftLength },
      Answers: {
        'your instructions': plan.generate.given,
        'instructions besides': plan.generate.written,
        temperatures: plan.generate.temperatures.join(', '),
        ...(generate && { answers: generate.found.rows, tokens: generate.found.tokens }),
      },
      Training: {
        'pretraining steps': plan.pretrain.steps,
        ...Object.fromEntries(plan.distill.phases.map(({ loss, steps }) => [`steps of ${loss}, at most`, steps])),
        'rows a batch': plan.distill.batchSize,
      },
      Run: Object.fromEntries(
        Object.entries(results).map(([stage, { seconds }]) => [stage, duration(seconds)] as const),
      ),
    },
    notes: [],
  }
  await out.write(reportFile, renderReport(data))
}

const curves = (title: string, y: string, series: [string, [number, number][]][]): Curves => ({
  title,
  x: 'step',
  y,
  series: series.map(([name, points]) => ({ name, points })),
})

const losses = (history: readonly LogEntry[]) =>
  history.flatMap(({ step, loss }): [number, number][] => (loss === undefined ? [] : [[step, loss]]))

const heldOut = (history: readonly LogEntry[]) =>
  history.flatMap((entry): [number, number][] => {
    const tokens = heldOutFigure(entry, 'acceptance-length')
    return tokens === undefined ? [] : [[entry.step, tokens]]
  })

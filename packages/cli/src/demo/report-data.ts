import { type Completion, type Curves, type EvaluationRow, modelFacts, type ReportData } from '@outrider/evaluation'
import type { CausalLM, PretrainedModel } from '@outrider/transformer'
import { duration } from '../terminal'
import { parallelName, plan, samplings } from './plan'
import type { TrainedDraft } from './stages'

export interface DemoOutcome {
  target: PretrainedModel<CausalLM>
  drafts: readonly TrainedDraft[]
  rows: readonly EvaluationRow[]
  completion: Completion
  adapter: string
  lead: string
  notes: readonly string[]
  answers: { rows: number; tokens: number }
  seconds: number
}

/** What the demo's report tells. */
export function reportData({
  target,
  drafts,
  rows,
  completion,
  adapter,
  lead,
  notes,
  answers,
  seconds,
}: DemoOutcome): ReportData {
  const [pretrained, ...aligned] = drafts
  return {
    title: 'Outrider: a draft aligned with its target',
    lead,
    created: new Date().toISOString().slice(0, 16).replace('T', ' '),
    adapter,
    models: [modelFacts('tiny-chat', 'target', target), modelFacts('draft', 'draft', pretrained!.model)],
    curves: [
      {
        title: 'Pretraining on plain text',
        x: 'step',
        y: 'cross-entropy',
        series: [{ name: 'training', points: points(pretrained!, 'loss') }],
      },
      {
        title: 'Fine-tuning: acceptance α on the training answers (running mean)',
        x: 'step',
        y: 'α',
        series: aligned.map((draft) => ({ name: draft.name, points: smooth(points(draft, 'acceptance_rate')) })),
      },
    ] satisfies Curves[],
    evaluation: rows,
    completion,
    settings: {
      Pretraining: {
        steps: plan.pretraining.steps,
        'rows a batch': plan.pretraining.batchSize,
        'learning rate': plan.pretraining.learningRate,
        texts: plan.pretraining.texts,
      },
      'Distillation dataset': {
        instructions: plan.generation.instructions,
        temperatures: plan.generation.temperatures.join(', '),
        'top-p': plan.generation.topP,
        rows: answers.rows,
        tokens: answers.tokens,
      },
      'Fine-tuning': {
        steps: plan.distillation.steps,
        'rows a batch': plan.distillation.batchSize,
        'learning rate': plan.distillation.learningRate,
        'answers : text': plan.distillation.mix.join(' : '),
      },
      'A block in one pass': {
        draft: parallelName,
        'adapted from': plan.distillation.losses.at(-1)!,
        'tokens a pass': plan.adaptation.draftLength,
        steps: plan.adaptation.steps,
      },
      Evaluation: {
        'prompts a task': plan.evaluation.promptsPerTask,
        sampling: samplings
          .map(({ temperature, topP }) => (temperature === 0 ? 'greedy' : `temperature ${temperature}, top-p ${topP}`))
          .join('; '),
        verification: 'block',
      },
      Run: { 'time in all': duration(seconds) },
    },
    notes,
  }
}

const points = ({ history }: TrainedDraft, figure: 'loss' | 'acceptance_rate'): [number, number][] =>
  history.flatMap((entry): [number, number][] => (entry[figure] === undefined ? [] : [[entry.step, entry[figure]]]))

/** The mean of each point and those up to four before it. */
const smooth = (list: [number, number][]): [number, number][] =>
  list.map(([x], i) => {
    const some = list.slice(Math.max(0, i - 4), i + 1)
    return [x, some.reduce((sum, [, y]) => sum + y, 0) / some.length]
  })

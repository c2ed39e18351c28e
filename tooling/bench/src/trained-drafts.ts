import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type DataSource, generateDataset, jsonl, mix, rows, texts } from '@outrider/dataset'
import { klTvHybrid } from '@outrider/losses'
import { distill, pretrain, TargetStates } from '@outrider/training'
import { createDraft, type PretrainedModel, parallelDraft } from '@outrider/transformer'
import { exchanges, plainText, plan } from 'outrider/tiny-chat'
import type { SuiteContext } from './suite'

/** Tokens of a block, as one pass of a parallel draft proposes them. */
export const blockLength = 8
/** Ordinary steps of distillation that each draft has, or as many rows of text and masks in steps of another kind. */
const budget = 4000
/** A parallel draft learns to draft at all in the first eighth. */
const ordinary = budget / 8
/** Rows of a parallel step over those of an ordinary one: with K = 8, ratio 0.6 and minimum 0.1, 1 + Σ max(0.6ᵏ, 0.1). */
const rowsOfAStep =
  1 + Array.from({ length: blockLength - 1 }, (_, k) => Math.max(0.6 ** (k + 1), 0.1)).reduce((a, b) => a + b)
/** Depth costs a sequential draft a pass for every token, and a parallel one a pass for a block, of which it is what joins the tokens. */
const drafts = [
  { layers: 1, isParallel: false },
  { layers: 2, isParallel: false },
  { layers: 3, isParallel: true },
]

/** A draft, and what its distillation took. */
export interface TrainedDraft {
  name: string
  layers: number
  isParallel: boolean
  model: PretrainedModel
  steps: string
  trainingSeconds: number
}

/**
 * Drafts that propose a token at a time and drafts that propose a block in one pass: all are pretrained alike, read the same answers,
 * and have the same number of rows to learn from.
 */
export async function trainedDrafts(
  { note, now }: Pick<SuiteContext, 'note' | 'now'>,
  target: PretrainedModel,
): Promise<TrainedDraft[]> {
  const text = texts(plainText({ seed: 201, count: 4000 }))
  const folder = await mkdtemp(join(tmpdir(), 'outrider-bench-'))
  const targetStates = new TargetStates()
  try {
    note('answers of the target to learn from')
    const data = mix({
      distillation: [await answersOf(target, join(folder, 'answers.jsonl')), 9],
      pretraining: [text, 1],
    })
    const trained: TrainedDraft[] = []
    for (const { layers, isParallel } of drafts) {
      const name = `${isParallel ? 'parallel' : 'sequential'}, ${layers === 1 ? 'a layer' : `${layers} layers`}`
      const settings = (what: string) => ({
        ...{ batchSize: 8, length: 72, seed: 1 },
        onStep: ({ step, steps }: { step: number; steps: number }) => note(`${name}: ${what}, ${step} of ${steps}`),
      })
      const towards = { target, data, loss: klTvHybrid(), targetStates, learningRate: 4e-3 }
      const first = createDraft(target, { ...plan.draft, layers, seed: 1 })
      await pretrain(first, text, { ...settings('pretraining'), steps: 300, learningRate: 8e-3 })
      const began = now()
      const steps = isParallel ? ordinary : budget
      await distill({ ...settings('distillation'), ...towards, draft: first, steps })
      let model = first
      const adapting = Math.round((budget - ordinary) / rowsOfAStep)
      if (isParallel) {
        model = parallelDraft(first)
        first.dispose()
        const parallel = { draftLength: blockLength }
        await distill({ ...settings('adaptation'), ...towards, draft: model, steps: adapting, parallel })
      }
      trained.push({
        ...{ name, layers, isParallel, model, trainingSeconds: now() - began },
        steps: isParallel ? `${steps} + ${adapting}` : `${steps}`,
      })
    }
    return trained
  } finally {
    targetStates.dispose()
    await rm(folder, { recursive: true, force: true })
  }
}

async function answersOf(target: PretrainedModel, out: string): Promise<DataSource> {
  const asked = exchanges({ seed: 202, count: 600 }).map(({ prompt }) => ({
    kind: 'conversation' as const,
    messages: [{ role: 'user' as const, content: prompt }],
    metadata: {},
  }))
  await generateDataset({
    target,
    seeds: rows(asked, 'the small world'),
    temperatures: [0, 0.3, 0.7, 1],
    topP: 0.95,
    maxTokens: 56,
    batchSize: 32,
    out,
  })
  return jsonl(out)
}

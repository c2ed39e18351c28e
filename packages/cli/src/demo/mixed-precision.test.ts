import { batchesOnce, rows, texts } from '@outrider/dataset'
import { tvdPlusPlus } from '@outrider/losses'
import { testDevice } from '@outrider/tensor/testing'
import { distill, type LogEntry, type Precision, pretrain } from '@outrider/training'
import { createDraft, loadCausalLM } from '@outrider/transformer'
import { expect, test } from 'vitest'
import { bundledTarget } from './bundled-target'
import { plan, seeds } from './plan'
import { exchanges, plainText } from './world/index'

/** The demo's two stages of training, in small. */
async function train(precision: Precision) {
  const device = await testDevice()
  const target = await loadCausalLM(bundledTarget(), { device })
  const draft = createDraft(target, { ...plan.draft, seed: 1 })
  try {
    const conversations = (seed: number, count: number) =>
      rows(
        exchanges({ seed, count }).map(({ prompt, answer }) => ({
          kind: 'conversation' as const,
          messages: [
            { role: 'user' as const, content: prompt },
            { role: 'assistant' as const, content: answer },
          ],
          metadata: {},
        })),
        'the small world',
      )
    const [batchSize, length] = [8, plan.pretraining.length]
    const settings = { batchSize, length, learningRate: plan.pretraining.learningRate, seed: 1, precision }
    const pretraining = await pretrain(draft, texts(plainText({ seed: seeds.texts, count: 400 })), {
      ...settings,
      steps: 50,
      validation: await batchesOnce(texts(plainText({ seed: seeds.prompts, count: 16 })), draft, settings),
    })
    const distillation = await distill({
      ...settings,
      draft,
      target,
      data: conversations(seeds.instructions, 200),
      loss: tvdPlusPlus(),
      steps: 25,
      validation: await batchesOnce(conversations(seeds.prompts, 16), target, settings),
    })
    return { pretraining: pretraining.history, distillation: distillation.history }
  } finally {
    draft.dispose()
    target.dispose()
  }
}

const last = (history: readonly LogEntry[], of: (entry: LogEntry) => number | undefined) =>
  history.flatMap((entry) => of(entry) ?? []).at(-1)!

test('mixed precision learns the task of the demo as f32 does (with shader-f16; without it, is refused)', async () => {
  const { capabilities } = await testDevice()
  if (!capabilities.shaderF16) {
    await expect(train('mixed')).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      remedy: expect.stringContaining("precision 'f32'"),
    })
    return
  }
  const [full, mixed] = [await train('f32'), await train('mixed')]
  const figures = ({ pretraining, distillation }: typeof full) => ({
    first: pretraining[0]!.loss!,
    pretrained: last(pretraining, (entry) => entry.eval_loss),
    alpha: last(distillation, (entry) => entry.eval_acceptance_rate),
  })
  const [expected, actual] = [figures(full), figures(mixed)]
  expect(expected.pretrained).toBeLessThan(expected.first - 2)
  expect(Math.abs(actual.first / expected.first - 1)).toBeLessThan(1e-3)
  expect(Math.abs(actual.pretrained / expected.pretrained - 1)).toBeLessThan(0.01)
  expect(Math.abs(actual.alpha / expected.alpha - 1)).toBeLessThan(0.01)
})

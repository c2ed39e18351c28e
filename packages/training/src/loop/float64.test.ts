import { readFileSync } from 'node:fs'
import {
  type BatchStream,
  batchesOnce,
  type DataSource,
  mix,
  parseRow,
  rows,
  toBatch,
  tokenize,
} from '@outrider/dataset'
import { labelCrossEntropy, lossByName, type RowLoss, weightedSum } from '@outrider/losses'
import { testDevice } from '@outrider/tensor/testing'
import { formulaWeight, testData } from '@outrider/test-data'
import { byteTokenizer, Decoder, type PretrainedModel, parseConfig, pretrainedModel } from '@outrider/transformer'
import { describe, expect, it } from 'vitest'
import { evaluate } from '../evaluation/evaluate'
import { distill, distillation } from './distill'
import type { LogEntry } from './log'
import { logitsOnly } from './logits-only.fixture'

type HeldOut = Required<Pick<LogEntry, 'eval_loss' | 'eval_acceptance_rate' | 'eval_acceptance_length'>>

interface RecordedRun {
  /** Of each step: loss, α, gradient norm, learning rate. */
  history: [loss: number, rate: number, norm: number, learningRate: number][]
  held_out: HeldOut
}

/** PyTorch's figures in float64, by record.py beside them. */
const recorded = JSON.parse(readFileSync(testData('distillation/figures.json'), 'utf8')) as {
  configs: Record<'target' | 'draft', object>
  rows: object[]
  texts: object[]
  heldOut: object[]
  start: HeldOut
  runs: Record<string, RecordedRun>
  mixed: RecordedRun
}

const length = 24
const sourceOf = (list: readonly object[]): DataSource => rows(list.map((row, i) => parseRow(row, `row ${i}`)))
const [answers, learned, heldOut] = [recorded.rows.slice(0, 6), recorded.rows, recorded.heldOut].map(sourceOf) as [DataSource, DataSource, DataSource] // biome-ignore format: a table
const settings = { steps: 4, learningRate: 4e-3, warmup: 2, accumulation: 2, maxGradientNorm: 0.15 }

async function model(name: 'target' | 'draft'): Promise<PretrainedModel> {
  const llama = Decoder.initialize(await testDevice(), parseConfig(recorded.configs[name]))
  for (const [parameter, tensor] of Object.entries(llama.parameters))
    tensor.write(formulaWeight(`${name}.${parameter}`, tensor.shape))
  const generationConfig = { bosTokenId: 256, eosTokenIds: [257] }
  return pretrainedModel(llama, { tokenizer: byteTokenizer(), generationConfig, source: name })
}

/** The rows in their order, three a batch, again and again. */
async function inOrder(speaker: PretrainedModel): Promise<BatchStream> {
  const examples = await tokenize(learned, speaker, length)
  let at = 0
  return {
    async next() {
      const batch = toBatch(examples.slice(at, at + 3))
      at = (at + 3) % examples.length
      return batch
    },
    state: () => at,
    async restore(state) {
      at = state as number
    },
  }
}

const losses: Record<string, RowLoss> = {
  '0.7*kld+0.3*cross-entropy': weightedSum([
    [lossByName('kld'), 0.7],
    [labelCrossEntropy, 0.3],
  ]),
}

/** f32 against f64: a part of 10⁴ of each figure, the weights of four steps in it. */
const near = (figure: number) => expect.closeTo(figure, 4 - Math.ceil(Math.log10(Math.abs(figure))))

const expectedHistory = ({ history, held_out }: RecordedRun) => [
  ...history.map(([loss, rate, norm, learningRate], i) => ({
    step: i + 1,
    loss: near(loss),
    acceptance_rate: near(rate),
    grad_norm: near(norm),
    learning_rate: near(learningRate),
  })),
  { step: history.length, ...expectedHeldOut(held_out) },
]

const expectedHeldOut = (figures: HeldOut) => ({
  eval_loss: near(figures.eval_loss),
  eval_acceptance_rate: near(figures.eval_acceptance_rate),
  eval_acceptance_length: Object.fromEntries(
    Object.entries(figures.eval_acceptance_length).map(([gamma, tokens]) => [gamma, near(tokens)]),
  ),
})

const quiet = { onLeftOut: () => {} }

describe('figures as PyTorch computes them in float64', () => {
  it.each(Object.entries(recorded.runs))(
    'of a run with the loss %s, over rows of unequal length, padded, and in parts not learned',
    async (name, run) => {
      const [target, draft] = [await model('target'), await model('draft')]
      const validation = await batchesOnce(heldOut, target, { batchSize: 3, length, ...quiet })
      const loss = losses[name] ?? lossByName(name)
      // Hidden states are rounded to f16, which shows in the fourth digit where a loss is of signs; logits are f32.
      const exact = logitsOnly(target)
      const data = await inOrder(target)
      const { history } = await distill({ ...settings, draft, target: exact, loss, data, validation })
      expect(history).toEqual(expectedHistory(run).map((entry) => expect.objectContaining(entry)))
      for (const { dispose } of [draft, target]) dispose()
    },
  )

  it('of a mixture of sources, whatever the order of its rows', async () => {
    const [target, draft] = [await model('target'), await model('draft')]
    const validation = await batchesOnce(heldOut, target, { batchSize: 3, length, ...quiet })
    const data = mix({ answers: [answers, 3], texts: [sourceOf(recorded.texts), 1] })
    const mixed = { batchSize: 4, length, decay: 'linear', maxGradientNorm: 1, weightDecay: 0.1, seed: 3 } as const
    const { history } = await distill({
      ...settings,
      ...mixed,
      draft,
      target,
      loss: lossByName('kld'),
      data,
      validation,
    })
    expect(history).toEqual(expectedHistory(recorded.mixed))
    for (const { dispose } of [draft, target]) dispose()
  })

  it('of held-out rows, one of which has no answer, in batches of any size', async () => {
    const [target, draft] = [await model('target'), await model('draft')]
    for (const batchSize of [1, 3, 8, 20]) {
      const told: string[] = []
      const onLeftOut = ({ message }: { message: string }) => told.push(message)
      const batches = await batchesOnce(heldOut, target, { batchSize, length, onLeftOut })
      const figures = await evaluate(draft, distillation(draft, target, lossByName('kld')), batches)
      expect(figures, `in batches of ${batchSize}`).toEqual(expectedHeldOut(recorded.start))
      expect(told).toEqual([expect.stringMatching(/of 9 rows 1 is passed over: nothing of it is to be learned \(first: row 3\)/)]) // biome-ignore format: a line
    }
    for (const { dispose } of [draft, target]) dispose()
  })
})

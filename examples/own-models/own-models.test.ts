import { batchesOnce, texts } from '@outrider/dataset'
import { kld } from '@outrider/losses'
import { SpeculativeDecoder, type Target } from '@outrider/speculative'
import { readAll, type Tensor } from '@outrider/tensor'
import { checkGradient, expectAllClose, testDevice } from '@outrider/tensor/testing'
import { distill, distillation, evaluate } from '@outrider/training'
import {
  type CausalLM,
  generate,
  loadCausalLM,
  memoryDirectory,
  type PretrainedModel,
  pretrainedModel,
  readJson,
} from '@outrider/transformer'
import { bundledTarget, plainText } from 'outrider/tiny-chat'
import { beforeAll, describe, expect, it } from 'vitest'
import { BigramModel } from './bigram'
import { WindowMlp } from './window-mlp'

const text = plainText({ seed: 1, count: 120 })
const prompt = [{ role: 'user', content: 'Tell me a story about a fox and a kite.' }]

let target: PretrainedModel
let bigrams: PretrainedModel<BigramModel>
beforeAll(async () => {
  const device = await testDevice()
  target = await loadCausalLM(bundledTarget(), { device })
  bigrams = pretrainedModel(new BigramModel(device, target.tokenizer, text), { ...target, source: 'bigrams' })
})

async function speculated(of: Target, drafter: Target) {
  const decoder = new SpeculativeDecoder({ target: of, drafter, draftLength: 3 })
  const tokens: number[] = []
  for await (const block of decoder.generate(prompt, { maxTokens: 24 })) tokens.push(...block.tokens)
  return { tokens, blockEfficiency: decoder.metrics.blockEfficiency }
}

async function plain(of: PretrainedModel<CausalLM>): Promise<number[]> {
  const tokens: number[] = []
  for await (const { token } of generate(of, prompt, { maxTokens: 24 })) tokens.push(token)
  return tokens
}

/** A pass over all tokens against passes over a few, with a cache that is taken back in between, in a batch. */
async function expectCached(model: CausalLM): Promise<void> {
  const { device } = model
  const ids = Uint32Array.from({ length: 16 }, (_, i) => (31 * i) % model.config.vocabularySize)
  const whole = device.tensor(ids, { shape: [2, 8] })
  const part = (first: number, count: number): Tensor =>
    device.tensor(
      [0, 8].flatMap((row) => [...ids.subarray(row + first, row + first + count)]),
      { shape: [2, count], dtype: 'u32' },
    )
  const cache = model.createCache({ batchSize: 2, capacity: 8 })
  const all = (await model.forward(whole).data()) as Float32Array
  const last = (logits: Tensor) => logits.data()
  const expected = (at: number) => {
    const { vocabularySize } = model.config
    const row = (b: number) => all.subarray((b * 8 + at) * vocabularySize, (b * 8 + at + 1) * vocabularySize)
    return [...row(0), ...row(1)]
  }
  const read = async (first: number, count: number) =>
    expectAllClose(
      (await last(model.forward(part(first, count), { cache, rows: 'last' }))) as Float32Array,
      expected(first + count - 1),
    )
  await read(0, 5)
  await read(5, 2)
  cache.truncate(3)
  await read(3, 1)
  await read(4, 4)
  expect(() => model.forward(part(0, 1), { cache })).toThrow(/room/)
  cache.dispose()
}

describe("an engine's own model", () => {
  it('computes with a cache what it computes without one', () => expectCached(bigrams.model))

  it('drafts, and what comes out is exactly what the target says alone', async () => {
    const { tokens, blockEfficiency } = await speculated(target, bigrams)
    expect(tokens).toEqual(await plain(target))
    expect(blockEfficiency).toBeGreaterThan(1.2)
  })

  it('is a target', async () => {
    const { tokens } = await speculated(bigrams, target)
    expect(tokens).toEqual(await plain(bigrams))
  })
})

describe('a trainable model of one’s own', () => {
  const settings = { steps: 24, batchSize: 4, length: 32, learningRate: 2e-2, seed: 1, draftLengths: [3] }
  const fresh = () =>
    pretrainedModel(WindowMlp.initialize(target.model.device, { vocabularySize: 464, contextLength: 128 }), {
      ...target,
      source: 'window',
    })

  it('computes with a cache what it computes without one', () => expectCached(fresh().model))

  it('has the gradients of what it computes', async () => {
    const device = await testDevice()
    const model = WindowMlp.initialize(device, { vocabularySize: 5, contextLength: 8, window: 2, hiddenSize: 4 }, 3)
    const tokens = device.tensor(Uint32Array.from([0, 3, 4, 1, 1, 2]), { shape: [2, 3] })
    const names = ['embedding.0.weight', 'embedding.1.weight']
    await checkGradient(
      (...tables) =>
        model.trainingHidden(
          { ...model.parameters, ...Object.fromEntries(names.map((name, i) => [name, tables[i]!])) },
          tokens,
        ),
      names.map((name) => model.parameters[name]!),
      { step: 1e-3 },
    )
  })

  it('is distilled: its α rises, and it drafts exactly', async () => {
    const draft = fresh()
    const validation = await batchesOnce(texts(text.slice(0, 8)), target, { length: 32 })
    const data = texts(text)
    const before = await evaluate(draft, distillation(draft, target, kld), validation)
    const { history } = await distill({ ...settings, draft, target, data, loss: kld, validation })
    expect(history.at(-1)!.eval_acceptance_rate!).toBeGreaterThan(4 * before.eval_acceptance_rate!)
    const { tokens, blockEfficiency } = await speculated(target, draft)
    expect(tokens).toEqual(await plain(target))
    expect(blockEfficiency).toBeGreaterThan(1)
  })

  it('is kept in checkpoints, and goes on from one in the same bytes', async () => {
    const distilled = async (steps: number, run = memoryDirectory()) => {
      const draft = fresh()
      const options = { ...settings, steps: 4, learningRate: 1e-2, checkpoints: run, checkpointEvery: 2, resume: true }
      const stop = new AbortController()
      const onStep = ({ step }: { step: number }) => step === steps && stop.abort()
      await distill({ ...options, draft, target, data: texts(text), loss: kld, onStep, signal: stop.signal }).catch(
        (error) => expect(error).toMatchObject({ code: 'ABORTED' }),
      )
      return { run, weights: await readAll(Object.values(draft.model.parameters)) }
    }
    const straight = await distilled(5)
    const { run } = await distilled(2)
    expect((await distilled(5, run)).weights).toEqual(straight.weights)
    expect(await readJson(run, 'checkpoint-4/config.json')).toMatchObject({ architectures: ['WindowMlp'], window: 4 })
  })
})

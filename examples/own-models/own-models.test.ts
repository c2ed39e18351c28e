import { batchesOnce, texts } from '@outrider/dataset'
import { kld } from '@outrider/losses'
import { modelDrafter, SpeculativeDecoder, type Target } from '@outrider/speculative'
import { checkDrafter } from '@outrider/speculative/testing'
import { readAll } from '@outrider/tensor'
import { checkGradient, testDevice } from '@outrider/tensor/testing'
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
import { checkCausalLM } from '@outrider/transformer/testing'
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

describe("an engine's own model", () => {
  it('keeps what CausalLM promises', () => checkCausalLM(bigrams.model))

  it('drafts, and what comes out is exactly what the target says alone', async () => {
    const { tokens, blockEfficiency } = await speculated(target, bigrams)
    expect(tokens).toEqual(await plain(target))
    expect(blockEfficiency).toBeGreaterThan(1.2)
  })

  it('makes a drafter that keeps what Drafter promises', () =>
    checkDrafter(modelDrafter(bigrams.model), { device: bigrams.model.device, vocabularySize: 464 }))

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

  it('keeps what CausalLM promises', () => checkCausalLM(fresh().model))

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

  it('is distilled from a model that has logits alone: one of bigrams', async () => {
    const draft = fresh()
    const data = texts(text)
    const validation = await batchesOnce(texts(text.slice(0, 8)), bigrams, { length: 32 })
    const before = await evaluate(draft, distillation(draft, bigrams, kld), validation)
    const { history } = await distill({ ...settings, draft, target: bigrams, data, loss: kld, validation })
    expect(history.at(-1)!.eval_acceptance_rate!).toBeGreaterThan(1.5 * before.eval_acceptance_rate!)
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

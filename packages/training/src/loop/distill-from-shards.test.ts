import {
  type Batch,
  batchesOnce,
  mix,
  openTopTokenShards,
  rows,
  scoreDataset,
  type TokensRow,
  texts,
} from '@outrider/dataset'
import { kld, labelCrossEntropy, lossByName, tvd } from '@outrider/losses'
import { testDevice } from '@outrider/tensor/testing'
import { createDraft, type Directory, memoryDirectory, type PretrainedModel } from '@outrider/transformer'
import { beforeAll, describe, expect, it } from 'vitest'
import { evaluate } from '../evaluation/evaluate'
import type { TopTokenTarget } from '../states/top-token-states'
import { type DistillationOptions, distill, distillation } from './distill'
import { pretrain } from './pretrain'
import { patterns, tinyDraft, weightsOf } from './runs.fixture'
import { trainedTarget } from './trained-target.fixture'

let target: PretrainedModel
/** The patterns as answers to their first three letters. */
let data: ReturnType<typeof rows>
let heldOut: Batch[]
const shardsOf = new Map<number, Directory>()
const run = { batchSize: 4, length: 24, steps: 40, learningRate: 1e-2, seed: 5 }

/** The target as shards of so many tokens a place tell it. */
async function told(k: number, reading: Pick<TopTokenTarget, 'rest' | 'temperature'> = {}): Promise<TopTokenTarget> {
  if (!shardsOf.has(k)) {
    const out = memoryDirectory()
    await scoreDataset({ target, data, k, out })
    shardsOf.set(k, out)
  }
  const { tokenizer, config, generationConfig } = target
  const shards = await openTopTokenShards(shardsOf.get(k)!)
  return { kind: 'shards', shards, tokenizer, config, generationConfig, ...reading }
}

async function distilled(from: DistillationOptions['target'], more: Partial<DistillationOptions> = {}) {
  const draft = tinyDraft(target)
  const { history } = await distill({ draft, target: from, data, loss: lossByName('tvd++'), ...run, ...more })
  return { draft, history }
}

/** α and the tokens of a block of three, against the target itself. */
async function measured(draft: PretrainedModel) {
  const figures = await evaluate(draft, distillation(draft, target, kld), heldOut, [3])
  return { alpha: figures.eval_acceptance_rate!, block: figures.eval_acceptance_length![3]! }
}

beforeAll(async () => {
  await testDevice()
  target = await trainedTarget()
  const all: TokensRow[] = []
  for await (const row of patterns) {
    if (row.kind !== 'text') continue
    const tokens = target.tokenizer.encode(row.text)
    all.push({ kind: 'tokens', tokens, lossMask: tokens.map((_, i) => (i < 4 ? 0 : 1)) })
  }
  data = rows(all)
  heldOut = await batchesOnce(data, target, { length: 24 })
})

describe('a draft that is distilled from shards', () => {
  it('is, where they have the whole vocabulary, the one that is distilled from the target in memory', async () => {
    const whole = await told(target.config.vocabularySize)
    const few = { steps: 3 }
    const [shards, memory] = [await distilled(whole, few), await distilled(target, few)]
    for (const [step, { loss, acceptance_rate }] of shards.history.entries()) {
      expect(loss).toBeCloseTo(memory.history[step]!.loss!, 2)
      expect(acceptance_rate).toBeCloseTo(memory.history[step]!.acceptance_rate!, 3)
    }
    for (const { draft } of [shards, memory]) draft.dispose()
  })

  it('of 20 and of 64 tokens a place proposes blocks as good as one that had the target in memory', async () => {
    const plain = tinyDraft(target)
    const before = await measured(plain)
    const { draft } = await distilled(target)
    const memory = await measured(draft)
    for (const drafts of [plain, draft]) drafts.dispose()
    expect(memory.block).toBeGreaterThan(before.block + 0.5)
    for (const k of [20, 64]) {
      const { draft, history } = await distilled(await told(k), { validation: heldOut })
      const found = await measured(draft)
      expect(found.block, `k = ${k}`).toBeGreaterThan(memory.block - 0.05 * (memory.block - 1))
      // What it is told on the way is α from above, and near.
      const said = history.at(-1)!.eval_acceptance_rate!
      expect(said).toBeGreaterThanOrEqual(found.alpha - 1e-3)
      expect(said).toBeLessThan(found.alpha + 0.03)
      draft.dispose()
    }
  })

  it('ends in the same bytes where it was interrupted, and goes on with no other shards', async () => {
    const short = { steps: 4, loss: kld, checkpointEvery: 2 }
    const whole = await distilled(await told(20), short)
    const checkpoints = memoryDirectory()
    const first = await distilled(await told(20), { ...short, steps: 4, checkpoints, signal: stopAfter(2) }).catch(
      (error) => error,
    )
    expect(first).toMatchObject({ code: 'ABORTED' })
    await expect(distilled(await told(64), { ...short, checkpoints, resume: true })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: /target_shards/,
    })
    const again = await distilled(await told(20), { ...short, checkpoints, resume: true })
    expect(await weightsOf(again.draft)).toEqual(await weightsOf(whole.draft))
    for (const { draft } of [again, whole]) draft.dispose()
  })

  it('is refused for rows that they do not have, for what they cannot tell, and for losses that need more', async () => {
    const shards = await told(20)
    const one = { steps: 1 }
    const other = rows([{ kind: 'tokens', tokens: [256, 97, 98, 99], lossMask: [0, 0, 1, 1] }])
    await expect(distilled(shards, { ...one, data: other })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: /No shard has the row ".*abc?"/,
    })
    await expect(distilled(shards, { ...one, data: texts(['abcabc']) })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    })
    await expect(distilled(shards, { ...one, loss: labelCrossEntropy })).rejects.toMatchObject({
      message: /reads no labels/,
    })
    await expect(distilled(shards, { ...one, onPolicy: { share: 0.5 } })).rejects.toMatchObject({ code: 'UNSUPPORTED' })
    await expect(distilled(await told(20, { temperature: 3 }), one)).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: /temperature 3 cannot be told/,
    })
  })

  it('learns text beside them as it stands: KLD is cross-entropy there, and an id that a trimmed draft does not say teaches nothing', async () => {
    const text = texts(['abcabcabd', 'cabcabca'])
    const one = { steps: 1, loss: kld, batchSize: 2, data: text }
    const { history } = await distilled({ ...(await told(4)), text: 'labels' }, one)
    const plain = tinyDraft(target)
    const { history: pretrained } = await pretrain(plain, text, { ...run, ...one })
    expect(history[0]!.loss).toBeCloseTo(pretrained[0]!.loss!, 4)
    // Of the rows of shards beside it nothing changes.
    const mixed = { ...one, data: mix({ distillation: [data, 1], pretraining: [text, 1] }), steps: 3 }
    const both = await distilled({ ...(await told(4)), text: 'labels' }, mixed)
    expect(both.history).toHaveLength(3)
    await expect(distilled(await told(4), mixed)).rejects.toMatchObject({ message: /No shard has the row/ })
    // Without b, whose places are a third of the text.
    const letters = Array.from(target.tokenizer.encode('acd', { addSpecialTokens: false })).sort((a, b) => a - b)
    const trimmed = createDraft(target, { layers: 1, hiddenSize: 16, heads: 2, vocabulary: letters, seed: 1 })
    const { history: few } = await distill({
      draft: trimmed,
      target: { ...(await told(4)), text: 'labels' },
      ...run,
      ...one,
    })
    expect(few[0]!.loss).toBeGreaterThan(0)
    expect(few[0]!.loss).toBeLessThan(Math.log(letters.length + 3))
    const { history: none } = await distill({
      ...{
        draft: trimmed,
        target: { ...(await told(4)), text: 'labels' },
        ...run,
        ...one,
        data: texts(['bbbbbbbbbbbb']),
      },
    })
    expect(none[0]!.acceptance_rate).toBeLessThan(0.1)
    expect(none[0]!.loss).toBeLessThan(0.3)
    // Nor does a place of the shards at which the target says nothing that the draft does.
    const likeliest = await told(1, { rest: 'cut' })
    const { history: cut } = await distill({ draft: trimmed, target: likeliest, ...run, ...one, data })
    expect(cut[0]!.loss).toBeLessThan(Math.log(letters.length + 3))
    for (const draft of [plain, trimmed]) draft.dispose()
  })

  it('learns what a target that is cut to its tokens says, at any temperature', async () => {
    const { draft, history } = await distilled(await told(20, { rest: 'cut', temperature: 1.5 }), {
      steps: 2,
      loss: tvd,
    })
    expect(history.at(-1)!.loss).toBeCloseTo(1 - history.at(-1)!.acceptance_rate!, 5)
    draft.dispose()
  })
})

/** A signal that is aborted once it was looked at so many times. */
function stopAfter(looks: number): AbortSignal {
  const { signal } = new AbortController()
  let seen = 0
  return new Proxy(signal, {
    get: (of, key) => (key === 'aborted' ? ++seen > looks : Reflect.get(of, key, of)),
  })
}

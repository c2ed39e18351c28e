import { expectAllClose, testDevice } from '@outrider/tensor/testing'
import { describe, expect, it } from 'vitest'
import { stories, storiesReference } from '../stories.fixture'
import { scorePrompt } from './score-prompt'

/** ln softmax in float64. */
function logSoftmax(logits: ArrayLike<number>): number[] {
  const values = Array.from(logits)
  const largest = Math.max(...values)
  const total = values.reduce((sum, value) => sum + Math.exp(value - largest), 0)
  return values.map((value) => value - largest - Math.log(total))
}

describe('the scores of a prompt', () => {
  it('are ln softmax of the logits before each token, with the likeliest and the rank, and hold no memory', async () => {
    const pretrained = await stories()
    const { model, tokenizer } = pretrained
    const device = await testDevice()
    const prompt = tokenizer.encode('Once upon a time there was a zebra')
    using ids = device.tensor(Uint32Array.from(prompt), { shape: [1, prompt.length] })
    using logits = model.forward(ids)
    const columns = model.config.vocabularySize
    const all = (await logits.toArray()) as number[][][]
    const before = device.memory.liveBytes
    const scored = await scorePrompt(pretrained, prompt, { logProbabilities: 3 })
    expect(device.memory.liveBytes).toBe(before)
    expect(scored.map(({ token }) => token)).toEqual(prompt.slice(1))
    for (const [row, { token, logProbability, likeliest, rank }] of scored.entries()) {
      const scores = logSoftmax(all[0]![row]!)
      expect(scores).toHaveLength(columns)
      await expectAllClose([logProbability], [scores[token]!], { absolute: 1e-4, relative: 0 })
      const order = scores.map((_, id) => id).sort((a, b) => scores[b]! - scores[a]!)
      expect(likeliest.map((one) => one.token)).toEqual(order.slice(0, 3))
      expect(rank).toBe(order.indexOf(token) + 1)
    }
    expect(Math.max(...scored.map(({ rank }) => rank))).toBeGreaterThan(3) // one that is not among the likeliest
  })

  it('are the float64 reference’s after its prompts', async () => {
    const { ids, lastLogits, greedy } = storiesReference()[0]!
    const scored = await scorePrompt(await stories(), [...ids, greedy[0]!])
    await expectAllClose([scored.at(-1)!.logProbability], [logSoftmax(lastLogits)[greedy[0]!]!], {
      absolute: 1e-3,
      relative: 0,
    })
    expect(scored.at(-1)).toMatchObject({ rank: 1, likeliest: [] })
  })

  it('are the same when the prompt is read in pieces', async () => {
    const pretrained = await stories()
    const prompt = Array.from({ length: 300 }, (_, i) => (i * 37) % 500) // 256 rows are one piece
    const whole = await scorePrompt(pretrained, prompt)
    const start = await scorePrompt(pretrained, prompt.slice(0, 200))
    const end = whole.slice(0, 199).map(({ logProbability }) => logProbability)
    await expectAllClose(
      start.map(({ logProbability }) => logProbability),
      end,
      { absolute: 1e-4, relative: 0 },
    )
    expect(whole).toHaveLength(299)
    // The piece that begins within the prompt knows what came before it.
    const later = await scorePrompt(pretrained, prompt.slice(256))
    expect(Math.abs(later[0]!.logProbability - whole[256]!.logProbability)).toBeGreaterThan(1e-3)
  })

  it('are none for a single token, and refused for what is no prompt', async () => {
    const pretrained = await stories()
    expect(await scorePrompt(pretrained, [1])).toEqual([])
    await expect(scorePrompt(pretrained, [])).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    await expect(scorePrompt(pretrained, [1, 5000])).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    await expect(scorePrompt(pretrained, [1, 2], { logProbabilities: -1 })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    })
    await expect(scorePrompt(pretrained, [1, 2, 3], { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'ABORTED',
    })
  })
})

import { expectAllClose, testDevice } from '@outrider/tensor/testing'
import { describe, expect, it } from 'vitest'
import { stories, storiesReference } from '../stories.fixture'
import { generate } from './generate'
import { type ScoredToken, scoreTokens } from './log-probabilities'

/** ln softmax in float64. */
function logSoftmax(logits: ArrayLike<number>): number[] {
  const values = Array.from(logits)
  const largest = Math.max(...values)
  const total = values.reduce((sum, value) => sum + Math.exp(value - largest), 0)
  return values.map((value) => value - largest - Math.log(total))
}

const ranked = (scores: readonly number[]) => scores.map((_, id) => id).sort((a, b) => scores[b]! - scores[a]! || a - b)

async function expectScores(actual: ScoredToken, logits: ArrayLike<number>, absolute: number) {
  const scores = logSoftmax(logits)
  expect(actual.likeliest.map(({ token }) => token)).toEqual(ranked(scores).slice(0, actual.likeliest.length))
  await expectAllClose(
    [actual, ...actual.likeliest].map(({ logProbability }) => logProbability),
    [actual, ...actual.likeliest].map(({ token }) => scores[token]!),
    { absolute, relative: 0 },
  )
}

describe('log-probabilities', () => {
  it('are those of the softmax in float64, for the chosen token and the likeliest', async () => {
    const device = await testDevice()
    const columns = 1000
    const values = Float32Array.from({ length: 3 * columns }, (_, i) => 12 * Math.sin(i * i))
    const chosen = [0, 999, 500]
    using logits = device.tensor(values, { shape: [3, columns] })
    using tokens = device.tensor(Uint32Array.from(chosen))
    const before = device.memory.liveBytes
    const scores = await scoreTokens(logits, tokens, 5)
    expect(device.memory.liveBytes).toBe(before)
    expect(scores.map(({ token }) => token)).toEqual(chosen)
    for (const [row, score] of scores.entries())
      await expectScores(score, values.subarray(row * columns, (row + 1) * columns), 1e-5)
    expect((await scoreTokens(logits, tokens, 0)).map(({ likeliest }) => likeliest)).toEqual([[], [], []])
  })

  it.each(storiesReference())(
    "come with the tokens of an answer, the first as the float64 reference has it after '$prompt'",
    async ({ prompt, lastLogits, greedy }) => {
      const tokens: ScoredToken[] = []
      for await (const { scored } of generate(await stories(), prompt, { maxTokens: 6, logProbabilities: 4 }))
        tokens.push(scored!)
      expect(tokens.map(({ token }) => token)).toEqual(greedy.slice(0, 6))
      // Greedy: what was chosen is the likeliest.
      for (const { token, logProbability, likeliest } of tokens) expect(likeliest[0]).toEqual({ token, logProbability })
      await expectScores(tokens[0]!, lastLogits, 1e-3)
    },
  )

  it('do not depend on how tokens are drawn, are not there unless asked for, and change no token', async () => {
    const model = await stories()
    const options = { maxTokens: 8, temperature: 1.5, topK: 3, seed: 5 }
    const answer = async (logProbabilities?: number) => {
      const tokens = []
      for await (const token of generate(model, 'Once upon a time', { ...options, logProbabilities }))
        tokens.push(token)
      return tokens
    }
    const [plain, scored] = [await answer(), await answer(2)]
    expect(plain.every((token) => !('scored' in token))).toBe(true)
    expect(scored.map(({ token }) => token)).toEqual(plain.map(({ token }) => token))
    const { lastLogits } = storiesReference().find(({ prompt }) => prompt === 'Once upon a time')!
    await expectScores(scored[0]!.scored!, lastLogits, 1e-3)
  })

  it('of a number that is none are refused', async () => {
    const tokens = generate(await stories(), 'Once', { logProbabilities: -1 })
    await expect(tokens.next()).rejects.toThrow(/logProbabilities is -1/)
  })
})

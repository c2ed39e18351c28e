import { SpeculativeDecoder } from '@outrider/speculative'
import { testDevice } from '@outrider/tensor/testing'
import { testData } from '@outrider/test-data'
import { Decoder, generate, loadCausalLM, pretrainedModel, promptTokens } from '@outrider/transformer'
import { describe, expect, it } from 'vitest'
import { draftRuns, runsOf } from './draft-runs'
import { bestGain, gainOf } from './expected-gain'
import type { TargetAnswer } from './target-answers'

const [yes, no] = [true, false]
/** A pass over more rows costs half a row more; a draft step a tenth of a pass. */
const costs = {
  draftSeconds: 0.1,
  targetSeconds: [
    { rows: 1, seconds: 1 },
    { rows: 3, seconds: 2 },
  ],
}

describe('what a draft gains', () => {
  it('is counted block by block, as decoding goes', () => {
    // Two drafted, both right, and one more; then one right and the correction; then two tokens are left, both right.
    const answer = [yes, yes, no, yes, no, yes, yes]
    const gain = gainOf(2, [runsOf(answer)], costs)
    expect(gain.blockEfficiency).toBeCloseTo(7 / 3)
    expect(gain.speedUp).toBeCloseTo(7 / 3 / (2 + 0.2))
  })

  it('is that of the draft length that gains most, and passes are counted over all answers', () => {
    const free = { draftSeconds: 0, targetSeconds: [{ rows: 1, seconds: 1 }] }
    expect(bestGain([runsOf(Array(16).fill(yes)), [0]], free)).toEqual({
      draftLength: 15,
      blockEfficiency: 8.5,
      speedUp: 8.5,
    })
    expect(bestGain([[0, 0, 0]], costs)).toMatchObject({ draftLength: 1, blockEfficiency: 1 })
    expect(bestGain([[]], costs)).toMatchObject({ blockEfficiency: 1 })
  })

  it.each(['a step a token', 'one pass a block'])(
    'is what the decoder reaches on the same answers, by %s',
    async (how) => {
      const device = await testDevice()
      const target = await loadCausalLM(testData('stories260K'), { device })
      const { model, config } = target
      const upper = { ...config, layers: config.layers - 1 }
      // A token that these answers do not have stands for what is not drafted yet.
      const draftConfig = how === 'one pass a block' ? { ...upper, maskTokenId: 511 } : upper
      const draft = pretrainedModel(new Decoder(device, draftConfig, model.parameters), target)
      const { signal } = new AbortController()
      const maxTokens = 24
      const answers: TargetAnswer[] = []
      const runs: number[][] = []
      for (const text of ['Once upon a time', 'The dog']) {
        const prompt = promptTokens(target, text)
        answers.push({ prompt, answer: (await generate(target, prompt, { maxTokens }).result).tokens })
        runs.push(await draftRuns(draft.model, answers.at(-1)!, signal))
      }
      expect(new Set(runs.flat().map((run) => run > 0)).size).toBe(2)
      const draftLength = 4
      const decoder = new SpeculativeDecoder({ target, drafter: draft, draftLength })
      for (const { prompt } of answers) await decoder.generate(prompt, { maxTokens }).result
      const { blockEfficiency } = gainOf(draftLength, runs, costs)
      expect(blockEfficiency).toBeCloseTo(decoder.metrics.blockEfficiency, 10)
      target.dispose()
    },
  )
})

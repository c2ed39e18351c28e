import { promptLookup, SpeculationMetrics, SpeculativeDecoder } from '@outrider/speculative'
import { testDevice } from '@outrider/tensor/testing'
import { generate, loadCausalLM, promptTokens } from '@outrider/transformer'
import { bundledTarget } from 'outrider/tiny-chat'
import { expect, it } from 'vitest'
import { ReplayedTarget } from './replayed-target'

it('accepts what the model that wrote the answer accepts, in as many passes', async () => {
  const device = await testDevice()
  const { model, ...loaded } = await loadCausalLM(bundledTarget(), { device })
  const target = { ...loaded, model }
  const asked = promptTokens(target, [{ role: 'user', content: 'Say twice: the fox sings, the fox sings, the fox' }])
  const options = { temperature: 0, maxTokens: 40 }
  const plain = generate(target, asked, options)
  for await (const _ of plain);
  const { tokens } = await plain.result
  const replayed = new ReplayedTarget(device, model)
  replayed.script = [...asked, ...tokens]
  for (const drafter of [promptLookup(), target]) {
    const [real, again] = await Promise.all(
      [model, replayed].map(async (model) => {
        const decoder = new SpeculativeDecoder({ target: { ...loaded, model }, drafter, draftLength: 3 })
        const metrics = new SpeculationMetrics({ parameterRatio: 0 })
        const answer = decoder.generate(asked, { ...options, maxTokens: tokens.length, metrics })
        for await (const _ of answer);
        const { numTargetPasses, numDraftTokens, numAcceptedTokens } = metrics.figures
        return { numTargetPasses, numDraftTokens, numAcceptedTokens, tokens: (await answer.result).tokens }
      }),
    )
    expect(again).toEqual(real)
    expect(again!.tokens).toEqual(tokens)
    expect(again!.numAcceptedTokens).toBeGreaterThan(0)
  }
  model.dispose()
}, 300_000)

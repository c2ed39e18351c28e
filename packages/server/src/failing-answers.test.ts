import { testDevice } from '@outrider/tensor/testing'
import { generate, type PretrainedModel } from '@outrider/transformer'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { poison, tinyConfig, tinyModel } from '../../transformer/src/pretrained/tiny-model.fixture'
import { createServer, type OutriderServer } from './index'

/** Of which the target's logits are no numbers once it has read it, and another for the draft. */
const [wrong, wrongForDraft] = [98, 100]
let target: PretrainedModel
let draft: PretrainedModel
beforeAll(async () => {
  const device = await testDevice()
  const poisoned = async (seed: number, byte: number) => {
    // A head of its own: what is no number in an embedding is met only where it is read.
    const model = tinyModel(device, { seed, tieWordEmbeddings: false })
    const place = byte * tinyConfig.hiddenSize + 3
    await poison(model, { weight: 'model.embed_tokens.weight', place })
    return model
  }
  target = await poisoned(3, wrong)
  draft = await poisoned(4, wrongForDraft)
})
afterAll(() => {
  target.dispose()
  draft.dispose()
})

const bias = { [wrong]: -100 }

async function ask({ app }: OutriderServer, prompt: number[]) {
  const response = await app.request('/v1/completions', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ prompt, max_tokens: 10, temperature: 0, logit_bias: bias }),
  })
  // biome-ignore lint/suspicious/noExplicitAny: what a server says is anything
  return { status: response.status, body: (await response.json()) as any }
}

it.each(['without a draft', 'with a draft'])(
  'who asks for what the model has no numbers for gets an error, and others their answers, %s',
  async (name) => {
    const drafter = name === 'with a draft' ? draft : undefined
    const server = createServer({ target, warmUp: false, concurrency: 4, ...(drafter && { drafter, draftLength: 3 }) })
    try {
      await server.ready
      const prompts = [[97, 99], [97, wrong, 99], [101], [97, wrongForDraft]]
      for (const asked of [prompts, prompts.slice(2)]) {
        const answers = await Promise.all(asked.map((prompt) => ask(server, prompt)))
        for (const [i, prompt] of asked.entries()) {
          const isWrong = prompt.includes(wrong)
          expect(answers[i]!.status).toBe(isWrong ? 500 : 200)
          if (isWrong) continue
          const { text } = await generate(target, prompt, { maxTokens: 10, logitBias: bias }).result
          expect(answers[i]!.body.choices[0].text).toBe(text)
        }
      }
      expect([server.engine.running, server.engine.waiting]).toEqual([0, 0])
    } finally {
      await server.close()
    }
  },
)

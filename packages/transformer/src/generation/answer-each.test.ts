import { testDevice } from '@outrider/tensor/testing'
import { describe, expect, it } from 'vitest'
import { stories } from '../stories.fixture'
import { type AnswerEachOptions, type AnswerRequest, answerEach, type BatchAnswer } from './answer-each'
import { generate } from './generate'
import { ReadPrompt } from './read-prompt'

type Request = AnswerRequest & { name: string }

/** Answers by name, in the order in which they ended. */
async function answersTo(
  requests: Iterable<Request>,
  options: AnswerEachOptions = {},
): Promise<[string, BatchAnswer][]> {
  const answers: [string, BatchAnswer][] = []
  for await (const { request, answer } of answerEach(await stories(), requests, options))
    answers.push([request.name, answer])
  return answers
}

const ids = async (text: string) => (await stories()).tokenizer.encode(text)

/** Three prompts at three temperatures each, of answers of unequal length. */
async function grid(): Promise<Request[]> {
  const prompts = await Promise.all(['Once upon a time', 'Lily and Ben went to the park.', 'The'].map(ids))
  return prompts.flatMap((prompt, p) =>
    [0, 0.5, 1].map((temperature, t) => ({
      ...{
        name: `${p}${t}`,
        prompt: [...prompt],
        temperature,
        topP: 0.95,
        seed: 3 * p + t,
        maxTokens: 2 + ((5 * t + 7 * p) % 11),
      },
    })),
  )
}

describe('answerEach', () => {
  let alone: Record<string, BatchAnswer> | undefined
  const aloneAnswers = async () => {
    if (alone) return alone
    const model = await stories()
    alone = {}
    for (const { name, prompt, ...options } of await grid()) {
      const { tokens, text, finishReason } = await generate(model, prompt, options).result
      alone[name] = { tokens, text, finishReason }
    }
    return alone
  }

  it.each([1, 4, 16])('gives each answer as it ends, and as if it were alone, with %i at once', async (size) => {
    const requests = await grid()
    const answers = await answersTo(requests, { size })
    const ended = answers.map(([name]) => name)
    const inOrder = requests.map(({ name }) => name)
    if (size === 1) expect(ended).toEqual(inOrder)
    else expect(ended).not.toEqual(inOrder)
    expect(Object.fromEntries(answers)).toEqual(await aloneAnswers())
  })

  it('reads a prompt once for the requests that follow one another with it', async () => {
    const requests = await grid()
    for (const size of [1, 4]) {
      const counts = { read: 0, generated: 0, prompts: 0 }
      const answers = await answersTo(requests, {
        size,
        onTokens({ read, generated }) {
          counts.read += read
          counts.generated += generated
          if (read > 0) counts.prompts++
        },
      })
      expect(counts).toEqual({
        prompts: 3,
        read: [0, 3, 6].reduce((sum, i) => sum + requests[i]!.prompt.length, 0),
        generated: answers.reduce((sum, [, { tokens }]) => sum + tokens.length, 0),
      })
    }
  })

  it('takes a request only when there is a place for it, and is told of tokens between two prompts', async () => {
    const requests = await grid()
    let taken = 0
    function* asked() {
      for (const request of requests) {
        taken++
        yield request
      }
    }
    const told: string[] = []
    for await (const _ of answerEach(await stories(), asked(), {
      size: 4,
      onTokens: ({ read }) => told.push(read > 0 ? 'read' : 'step'),
    })) {
      expect(taken).toBeLessThan(9)
      break
    }
    expect(told.slice(0, 4)).toEqual(['read', 'step', 'read', 'step'])
  })

  it('scores the tokens of those who ask', async () => {
    const [request] = await grid()
    const scored = { ...request!, maxTokens: 3, logProbabilities: 2 }
    const [[, { scored: scores, tokens }]] = (await answersTo([scored])) as [[string, BatchAnswer]]
    expect(scores).toHaveLength(tokens.length)
    expect(scores![0]!.likeliest).toHaveLength(2)
  })

  it('holds nothing after its end, after a loop that was left, an abort and a request that cannot be', async () => {
    const { memory } = await testDevice()
    const requests = await grid()
    const before = memory.liveBytes
    await answersTo(requests)
    expect(memory.liveBytes).toBe(before)
    for await (const _ of answerEach(await stories(), requests)) break
    expect(memory.liveBytes).toBe(before)
    const controller = new AbortController()
    const aborted = answersTo(requests, { signal: controller.signal, onTokens: () => controller.abort() })
    await expect(aborted).rejects.toMatchObject({ code: 'ABORTED' })
    expect(memory.liveBytes).toBe(before)
    const wrong = { ...requests[0]!, prompt: [], name: 'empty' }
    await expect(answersTo([requests[0]!, wrong])).rejects.toThrow(/prompt is empty/)
    expect(memory.liveBytes).toBe(before)
  })
})

describe('a prompt that was read', () => {
  it('may be disposed of once sequences have joined, and refuses what is no prompt', async () => {
    const model = await stories()
    const { memory } = await testDevice()
    const before = memory.liveBytes
    expect(() => new ReadPrompt(model, [])).toThrow(/prompt is empty/)
    expect(() => new ReadPrompt(model, Array(512).fill(5))).toThrow(
      expect.objectContaining({ code: 'CONTEXT_OVERFLOW' }),
    )
    expect(memory.liveBytes).toBe(before)
    const read = new ReadPrompt(model, await ids('The'))
    expect(read.cache.lengths).toEqual([read.tokens.length])
    read.dispose()
    expect(memory.liveBytes).toBe(before)
  })
})

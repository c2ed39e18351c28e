import { createDevice, type Device } from '@outrider/tensor'
import { nodeAdapter } from '@outrider/tensor/node'
import { likeGpu } from '@outrider/tensor/testing'
import { Decoder, type LoadDtype, loadCausalLM, type PretrainedModel, pretrainedModel } from '@outrider/transformer'
import { describe, expect, it } from 'vitest'
import { chatServer, post, tinyChatFolder } from './server.fixture'
import type { ServerOptions } from './server-options'

/**
 * Kernels are chosen as for a GPU of subgroups of 32: a CPU is known by its narrow ones. What they compute is wrong where it has
 * others, but what is compiled is what a GPU compiles.
 */
const withWideSubgroups = () => likeGpu({ others: { subgroups: true, subgroupMinSize: 32, subgroupMaxSize: 32 } })

const adapters = {
  'the adapter as it is': () => createDevice({ adapter: nodeAdapter() }),
  'an adapter taken for a GPU': withWideSubgroups,
}

/** A layer of the chat model, with a context that is long enough for sequences that GPUs read in parts. */
async function longChat(device: Device, dtype: LoadDtype): Promise<PretrainedModel> {
  const loaded = await loadCausalLM(tinyChatFolder, { device, dtype })
  return pretrainedModel(
    new Decoder(device, { ...loaded.config, layers: 1, contextLength: 300 }, loaded.model.parameters),
    loaded,
  )
}

const tokens = (count: number) => Array.from({ length: count }, (_, i) => 5 + (i % 50))

type Body = Record<string, unknown>

/** Requests of all kinds, those of a row at once. */
function kinds(hasDraft: boolean): Body[][] {
  const lengths = [1, 2, 3, 5, 8, 16, 17, 40, 253, 270].map((count) => [{ prompt: tokens(count) }])
  const sampling = [{ temperature: 1 }, { temperature: 1, top_p: 0.5 }, { temperature: 0.5, top_k: 4, top_p: 0.9 }]
  const processed = [
    { temperature: 1, min_p: 0.1, presence_penalty: 0.5, n: 2 },
    { repetition_penalty: 1.2, logit_bias: { 7: 1 } },
  ]
  const scores = [{ logprobs: 0 }, { logprobs: 1 }, { logprobs: 20, temperature: 1 }]
  const drafts = [0, 1, 2, 4, 9, 15, 'auto'].flatMap((draft_length) => [
    [{ draft_length, logprobs: 2 }],
    [{ draft_length, temperature: 1, prompt: tokens(255) }],
  ])
  const together = [2, 3, 5, 8].map((count) =>
    Array.from({ length: count }, (_, i) => ({
      prompt: tokens(1 + ((i * 37) % 260)),
      temperature: i % 2,
      max_tokens: 3 + i,
      stream: i % 3 === 0,
      ...(i % 4 === 1 && { logprobs: i }),
      ...(hasDraft && i % 2 === 0 && { draft_length: 0 }),
    })),
  )
  return [
    ...lengths,
    ...[...sampling, ...processed, ...scores].map((body) => [body]),
    ...(hasDraft ? drafts : []),
    ...together,
  ]
}

describe('a server that is warmed up compiles nothing more, whatever is asked', () => {
  it.each<[string, keyof typeof adapters, LoadDtype | undefined, Partial<ServerOptions>]>([
    ['many at once', 'the adapter as it is', undefined, { concurrency: 6 }],
    ['one at a time', 'the adapter as it is', undefined, { concurrency: 1 }],
    ['with a draft of other weights', 'the adapter as it is', 'q8_0', { concurrency: 2, draftLength: 2 }],
    ['on a GPU', 'an adapter taken for a GPU', undefined, { concurrency: 3 }],
  ])('%s', async (_, adapter, draft, options) => {
    const device = await adapters[adapter]()
    const target = await longChat(device, 'f32')
    const drafter = draft && (await longChat(device, draft))
    const server = await chatServer({ ...options, target, drafter, warmUp: true })
    const { pipelines } = device.counters
    for (const bodies of kinds(drafter !== undefined)) {
      const asked = bodies.map((body) =>
        post(server, '/v1/completions', { prompt: 'Mira', max_tokens: 6, temperature: 0, ...body }),
      )
      for (const { status } of await Promise.all(asked)) expect(status).toBe(200)
      expect(device.counters.pipelines, JSON.stringify(bodies)).toBe(pipelines)
    }
    await server.close()
    device.dispose()
  })
})

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { testData } from '@outrider/test-data'
import { describe, expect, test, vi } from 'vitest'
import { testHub } from '../../../transformer/src/hub/hub.fixture'
import { runCli } from '../testing/run-cli'

const model = testData('stories260K')
const { cases } = JSON.parse(readFileSync(`${model}/reference.json`, 'utf8')) as {
  cases: { prompt: string; greedy: number[] }[]
}
const spoken = cases.filter(({ prompt }) => prompt !== '')

describe('outrider complete', () => {
  const prompt = 'Once upon a time'

  test.each(spoken)(
    'greedy, after $prompt: the ids of the float64 reference, plainly and with a draft',
    async ({ prompt, greedy }) => {
      const flags = ['complete', '--model', model, '--prompt', prompt, '--max-tokens', '48', '--json']
      const plain = await runCli(flags)
      expect(plain.status).toBe(0)
      expect(plain.json()).toMatchObject({
        tokens: greedy,
        finish_reason: 'length',
        timings: { prompt_tokens: expect.any(Number) },
      })
      expect(plain.json()).not.toHaveProperty('speculation')
      const drafted = await runCli([...flags, '--draft', model, '--draft-length', '3'])
      expect(drafted.json()).toMatchObject({ tokens: greedy, text: plain.json().text })
      expect(drafted.json().speculation).toMatchObject({
        num_drafts: expect.any(Number),
        draft_acceptance_rate: 1,
        mbsu: expect.any(Number),
      })
    },
  )

  test('with caches of f16 a draft changes nothing either, and other dtypes are refused by name', async () => {
    const flags = ['complete', '--model', model, '--prompt', prompt, '--max-tokens', '40', '--cache-dtype']
    const plain = await runCli([...flags, 'f16'])
    expect(plain.err).toContain('caches of f16')
    const drafted = await runCli([...flags, 'f16', '--draft', model, '--draft-length', '3'])
    expect(drafted.err.match(/caches of f16/g)).toHaveLength(2)
    expect(drafted.out).toBe(plain.out)
    expect((await runCli([...flags, 'q4_0'])).err).toMatch(/--cache-dtype.*f32, f16, q8_0/)
    expect((await runCli([...flags, 'q8_0'])).err).toMatch(/multiple of 32; those of \S* are of 8/)
  })

  test('with penalties and a bias it is another text, and the same with a draft', async () => {
    const { greedy } = spoken[0]!
    const flags = ['complete', '--model', model, '--prompt', prompt, '--max-tokens', '12', '--json']
    const processing = ['--repetition-penalty', '1.3', '--frequency-penalty', '0.5', '--presence-penalty', '0.2']
    const asked = [...flags, ...processing, '--logit-bias', `${greedy[1]}:-100`, '300:0.5', '--min-p', '0.1']
    const plain = (await runCli(asked)).json().tokens
    expect(plain).not.toContain(greedy[1])
    const drafted = await runCli([...asked, '--draft', model, '--draft-length', '3'])
    expect(drafted.json()).toMatchObject({ tokens: plain, speculation: { draft_acceptance_rate: 1 } })
  })

  test('with drafts that end early the answer is the same, and fewer tokens are drafted', async () => {
    const { prompt, greedy } = spoken[0]!
    const flags = ['complete', '--model', model, '--draft', model, '--draft-length', '6', '--prompt', prompt, '--json']
    const { json } = await runCli([...flags, '--max-tokens', '48', '--draft-stop', '0.9'])
    const { num_drafts, num_draft_tokens } = json().speculation as Record<string, number>
    expect(json().tokens).toEqual(greedy)
    expect(num_draft_tokens).toBeLessThan(4 * num_drafts!)
  })

  test('with --draft-stop auto the answer is the same, and it is said what was chosen, and by what', async () => {
    const { prompt, greedy } = spoken[0]!
    const flags = ['complete', '--model', model, '--draft', model, '--prompt', prompt, '--draft-stop', 'auto']
    const { json } = await runCli([...flags, '--max-tokens', '48', '--json'])
    const { stop_saving_rate: saving, stop_chosen_rate: chosen } = json().speculation as Record<string, number>
    expect(json().tokens).toEqual(greedy)
    expect(saving).toEqual(expect.any(Number))
    if (saving! <= 0) expect(chosen).toBe(0)
    const { err } = await runCli([...flags, '--max-tokens', '12', '--draft-length', '4'])
    expect(err).toMatch(/drafts? may stop/)
  })

  test('with a stop text inside a block, timings and speculation agree on what was delivered', async () => {
    const flags = ['complete', '--model', model, '--draft', model, '--draft-length', '7', '--prompt', prompt, '--json']
    const { tokens, timings, speculation } = (await runCli([...flags, '--stop', 'little'])).json() as {
      tokens: number[]
      timings: Record<string, number>
      speculation: Record<string, number>
    }
    expect(speculation.num_delivered_tokens).toBe(tokens.length - 1)
    expect(speculation.block_efficiency).toBe((tokens.length - 1) / speculation.num_target_passes!)
    expect(speculation.tokens_per_second).toBeCloseTo(timings.tokens_per_second!, 6)
    expect(speculation.num_accepted_tokens).toBeLessThan(speculation.num_draft_tokens!) // though each was accepted
  })

  test('a GGUF file of the model gives the same ids as its directory', async () => {
    const { prompt, greedy } = spoken[0]!
    const file = `${model}/stories260K.f32.gguf`
    const flags = ['--prompt', prompt, '--max-tokens', '48', '--draft-length', '3', '--json']
    const { json } = await runCli(['complete', '--model', file, '--draft', model, ...flags])
    expect(json().tokens).toEqual(greedy)
  })

  test('a model of a hub is downloaded by its name, and by the name of a GGUF file in it', async () => {
    const files = Object.fromEntries(
      ['config.json', 'model.safetensors', 'tokenizer.json', 'tokenizer_config.json', 'stories260K.f32.gguf'].map(
        (file) => [file, readFileSync(`${model}/${file}`)] as const,
      ),
    )
    const hub = await testHub('tiny/stories', files)
    const home = mkdtempSync(join(tmpdir(), 'outrider-home-'))
    vi.stubEnv('HF_ENDPOINT', hub.endpoint)
    vi.stubEnv('HF_HUB_CACHE', home)
    try {
      const { prompt, greedy } = spoken[0]!
      for (const name of ['tiny/stories', 'tiny/stories/stories260K.f32.gguf']) {
        const { json } = await runCli(['complete', '--model', name, '--prompt', prompt, '--max-tokens', '48', '--json'])
        expect(json().tokens).toEqual(greedy)
      }
      expect(readdirSync(home)).toEqual(['models--tiny--stories'])
      const { status, err } = await runCli(['complete', '--model', 'tiny/nothing', '--prompt', prompt])
      expect(status).toBe(1)
      expect(err).toMatch(/tiny\/nothing.*404/)
    } finally {
      vi.unstubAllEnvs()
      await hub.close()
      rmSync(home, { recursive: true })
    }
  })

  test('prints the text as it comes and keeps remarks off standard output', async () => {
    const { status, out, err } = await runCli(['complete', '--model', model, '--prompt', prompt, '--max-tokens', '8'])
    expect(status).toBe(0)
    expect(out).toMatch(/^Once upon a time, there was.*\n$/)
    expect(err).toMatch(/Adapter: .+\n.*8 tokens \(length\)/s)
  })

  test('says that what concerns a draft is of no use without one', async () => {
    const { status, err } = await runCli([
      'complete',
      '--model',
      model,
      '--prompt',
      prompt,
      '--max-tokens',
      '2',
      '--json',
      '--verification',
      'token',
    ])
    expect(status).toBe(0)
    expect(err).toContain('--verification is of no use here: no --draft is given.')
  })

  test.each([
    ['a model that is not there', ['--model', '/nowhere', '--prompt', 'x'], 1, /no model directory \/nowhere/],
    ['an empty prompt', ['--model', model, '--prompt', ''], 2, /prompt is empty/],
    ['a conversation with a base model', ['--model', model, '--prompt', 'x', '--chat'], 2, /no chat template/],
    [
      'a temperature out of range',
      ['--model', model, '--prompt', 'x', '--temperature', '-1'],
      2,
      /--temperature.*at least 0/,
    ],
    [
      'a bias of a word',
      ['--model', model, '--prompt', 'x', '--logit-bias', 'fox:1'],
      2,
      /--logit-bias.*id of a token/,
    ],
    ['a bias of no token', ['--model', model, '--prompt', 'x', '--logit-bias', '9999:1'], 2, /ids below 512/],
    ['a min-p above 1', ['--model', model, '--prompt', 'x', '--min-p', '1.5'], 2, /--min-p.*from 0 to 1/],
    ['a prompt beyond the context', ['--model', model, '--prompt', 'word '.repeat(600)], 1, /context is 512/],
  ])('refuses %s with one clear message', async (_, flags, status, message) => {
    const result = await runCli(['complete', ...flags])
    expect(result.status).toBe(status)
    expect(result.err).toMatch(message)
    expect(result.err).not.toMatch(/\n\s+at /)
    expect(result.out).toBe('')
  })
})

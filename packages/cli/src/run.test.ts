import { testData } from '@outrider/test-data'
import { describe, expect, test } from 'vitest'
import { runCli } from './testing/run-cli'

describe('the frame of the command line', () => {
  test('--help prints the commands and the meaning of the exit status', async () => {
    const { status, out, err } = await runCli(['--help'])
    expect(status).toBe(0)
    expect(out).toContain('Commands:')
    expect(out).toMatch(/3 +no WebGPU adapter/)
    expect(err).toBe('')
  })

  test('a command shows examples in its help', async () => {
    const { status, out } = await runCli(['doctor', '--help'])
    expect(status).toBe(0)
    expect(out).toContain('$ outrider doctor')
  })

  test('an unknown command is refused with the nearest name', async () => {
    const { status, out, err } = await runCli(['doctr'])
    expect(status).toBe(2)
    expect(out).toBe('')
    expect(err).toContain("unknown command 'doctr' (Did you mean doctor?)")
  })

  test('an unknown option is refused with the nearest name, without a stack', async () => {
    const { status, err } = await runCli(['doctor', '--verbos'])
    expect(status).toBe(2)
    expect(err).toContain("unknown option '--verbos' (Did you mean --verbose?)")
    expect(err).not.toMatch(/\n\s+at /)
  })

  test('--verbose adds the stack', async () => {
    const { err } = await runCli(['doctor', '--jsno', '--verbose'])
    expect(err).toMatch(/\n\s+at /)
  })

  test('an error under --json is one JSON object on standard output', async () => {
    const { status, json, err } = await runCli(['doctor', '--jsno', '--json'])
    expect(status).toBe(2)
    expect(json()).toMatchObject({ error: { code: 'INVALID_ARGUMENT' } })
    expect(err).toContain('error:')
  })

  test('no arguments: the usage, and the status of a wrong usage', async () => {
    const { status, err } = await runCli([])
    expect(status).toBe(2)
    expect(err).toContain('Usage: outrider')
  })

  test('doctor names the adapter and checks that it computes', async () => {
    const { status, json } = await runCli(['doctor', '--json'])
    expect(status).toBe(0)
    expect(json()).toMatchObject({
      adapter: { name: expect.any(String), works: true },
      capabilities: { maxInvocations: expect.any(Number) },
    })
  })

  test('doctor says what a model is and takes, from its headers', async () => {
    const model = testData('stories260K')
    const flags = ['--model', `${model}/stories260K.f32.gguf`, '--draft', model, '--context', '9999', '--json']
    const { status, json } = await runCli(['doctor', ...flags])
    expect(status).toBe(0)
    const { models } = json() as { models: Record<string, unknown>[] }
    expect(models).toHaveLength(2)
    expect(models[0]).toMatchObject({
      architecture: 'llama',
      parameters: 292_800,
      stored_bytes: { F32: 292_800 * 4 },
      weight_bytes: { stored: 292_800 * 4, f32: 292_800 * 4 },
      cache_tokens: 512,
      cache_bytes: 5 * 2 * 4 * 8 * 512 * 4,
    })
    // Rows of 172 do not divide into eights: five down projections [64, 172] stay f32, the norms too.
    const f32 = 5 * 64 * 172 + 11 * 64
    expect(models[1]).toMatchObject({
      parameters: 260_032,
      weight_bytes: { f16: 4 * f32 + 2 * (260_032 - f32) },
      largest_cache_bytes: 4 * 8 * 512 * 4,
    })
  })

  test('doctor reckons with the cache that is asked for', async () => {
    const { json } = await runCli(['doctor', '--model', testData('stories260K'), '--cache-dtype', 'f16', '--json'])
    const [report] = json().models as Record<string, unknown>[]
    const bytes = 5 * 2 * 4 * 8 * 512
    expect(report).toMatchObject({
      cache_dtype: 'f16',
      cache_bytes_with: { f32: 4 * bytes, f16: 2 * bytes },
      cache_bytes: 5 * 2 * 4 * 8 * 512 * 2,
      largest_cache_bytes: 4 * 8 * 512 * 2,
    })
    const refused = await runCli(['doctor', '--model', testData('stories260K'), '--cache-dtype', 'q8_0'])
    expect(refused.status).toBe(1)
    expect(refused.err).toMatch(/q8_0 takes heads of a multiple of 32; those of \S*stories260K are of 8/)
  })

  test('doctor refuses what is no model', async () => {
    const { status, err } = await runCli(['doctor', '--model', '/no/such.gguf'])
    expect(status).toBe(1)
    expect(err).toContain('There is no file /no/such.gguf')
  })
})

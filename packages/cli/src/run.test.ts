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
})

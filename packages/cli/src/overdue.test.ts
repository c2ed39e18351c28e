import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

/** Runs a program that uses `endOverdue`, stops itself at once, and then does what is given. */
async function stopped(milliseconds: number, then: string): Promise<{ out: string; code: number | null }> {
  const source = `
    import { endOverdue } from ${JSON.stringify(fileURLToPath(new URL('overdue.ts', import.meta.url)))}
    const controller = new AbortController()
    const release = endOverdue(controller.signal, () => ${milliseconds}, () => console.log('overdue'))
    controller.abort()
    ${then}
  `
  const flags = ['--conditions=@outrider/source', '--import', '@outrider/build/source', '--input-type=module']
  const child = spawn(process.execPath, [...flags, '--eval', source], { stdio: ['ignore', 'pipe', 'inherit'] })
  let out = ''
  child.stdout.on('data', (data) => (out += data))
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve))
  return { out, code }
}

describe('a process that was asked to stop', () => {
  test('ends by itself when it waits for what never comes', async () => {
    expect(await stopped(50, 'await new Promise(() => {})')).toEqual({ out: 'overdue\n', code: 130 })
  })

  test('ends although something goes on and on', async () => {
    expect(await stopped(50, 'setInterval(() => {}, 10)')).toEqual({ out: 'overdue\n', code: 130 })
  })

  test('ends as it would when it has stopped in time', async () => {
    expect(await stopped(60_000, 'release()')).toEqual({ out: '', code: 0 })
  })
})

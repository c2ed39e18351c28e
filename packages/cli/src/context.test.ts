import { expect, test } from 'vitest'
import { Context } from './context'
import { Terminal } from './terminal'
import { fakeTerminal } from './testing/fake-terminal'

test('what is passed over in a file is told once on the error stream, under --json too', () => {
  for (const json of [false, true]) {
    const { input, output } = fakeTerminal()
    const err: string[] = []
    const errors = { write: (text: string) => err.push(text) }
    const terminal = new Terminal({ out: output, err: errors, env: {}, json })
    const context = new Context(terminal, new AbortController().signal, { input, out: output, err: output, env: {} })
    const warning = { file: 'm/generation_config.json', keys: ['min_p'], message: 'm: not applied: min_p.' }
    for (const _ of ['target', 'draft']) context.onWarning(warning)
    context.onWarning({ ...warning, message: 'm: not known: x.' })
    expect(err).toEqual(['m: not applied: min_p.\n', 'm: not known: x.\n'])
  }
})

import { describe, expect, test } from 'vitest'
import { fakeTerminal, keys } from '../testing/fake-terminal'
import { completeLine } from './completion'
import { lineEditor } from './line-editor'

function editor({ entries = [] as string[] } = {}) {
  const terminal = fakeTerminal()
  const history = { entries, add: (message: string) => void entries.unshift(message) }
  const lines = lineEditor({
    input: terminal.input,
    output: terminal.output,
    prompts: { first: '› ', next: '… ' },
    leaveHint: '(again ends)',
    history,
    complete: completeLine,
  })
  return { terminal, lines, entries }
}

/** Asks, types when the prompt is there, and gives what was asked for. */
async function asked({ lines, terminal }: ReturnType<typeof editor>, ...typed: string[]): Promise<string | undefined> {
  const message = lines.ask()
  await terminal.waitFor('› ')
  for (const keys of typed) {
    terminal.type(keys)
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  return message
}

describe('a message', () => {
  test('ends with Enter', async () => {
    expect(await asked(editor(), `hello${keys.enter}`)).toBe('hello')
  })

  test('goes on in the next line after a backslash at the end of one', async () => {
    const chat = editor()
    expect(await asked(chat, `one\\${keys.enter}two\\\\${keys.enter}`)).toBe('one\ntwo\\\\')
    expect(chat.terminal.screen).toContain('… ')
  })

  test('keeps pasted lines together, as they are, until Enter', async () => {
    const chat = editor()
    const message = chat.lines.ask()
    await chat.terminal.waitFor('› ')
    expect(chat.terminal.raw).toContain('\x1b[?2004h')
    chat.terminal.type(keys.paste('a \\\nb\tc\nd'))
    await chat.terminal.waitFor('d')
    chat.terminal.type(`!${keys.enter}`)
    expect(await message).toBe('a \\\nb\tc\nd!')
    expect(chat.terminal.raw.endsWith('\x1b[?2004l')).toBe(true)
  })

  test('of several lines comes back whole from the history', async () => {
    const chat = editor()
    await asked(chat, `one\\${keys.enter}two${keys.enter}`)
    expect(chat.entries).toEqual(['one\ntwo'])
    await asked(chat, `three${keys.enter}`)
    expect(await asked(chat, keys.up + keys.up + keys.enter)).toBe('one\ntwo')
  })

  test('is completed by Tab where it is a command', async () => {
    expect(await asked(editor(), '/temp', keys.tab, `0.5${keys.enter}`)).toBe('/temperature 0.5')
    expect(await asked(editor(), '/draft of', keys.tab, keys.enter)).toBe('/draft off')
  })
})

describe('Ctrl-C at the prompt', () => {
  test('drops what was typed and asks again', async () => {
    const chat = editor()
    const message = chat.lines.ask()
    await chat.terminal.waitFor('› ')
    chat.terminal.type(`typo${keys.ctrlC}`)
    await chat.terminal.waitFor('(again ends)')
    chat.terminal.type(`right${keys.enter}`)
    expect(await message).toBe('right')
  })

  test('ends when it comes twice, and not when something was typed in between', async () => {
    const chat = editor()
    const message = chat.lines.ask()
    for (const typed of [keys.ctrlC, `x${keys.ctrlC}`, `lines\\${keys.enter}of text${keys.ctrlC}`]) {
      chat.terminal.type(typed)
      await chat.terminal.waitFor('(again ends)')
    }
    chat.terminal.type(keys.ctrlC)
    expect(await message).toBeUndefined()
    expect(await chat.lines.ask()).toBeUndefined()
    expect(chat.terminal.isRaw).toBe(false)
  })
})

test('Ctrl-D ends, and so does the end of the input', async () => {
  expect(await asked(editor(), keys.ctrlD)).toBeUndefined()
  const chat = editor()
  const message = chat.lines.ask()
  chat.terminal.input.end()
  expect(await message).toBeUndefined()
})

test('closing ends a question that is asked', async () => {
  const chat = editor()
  const message = chat.lines.ask()
  await chat.terminal.waitFor('› ')
  chat.lines.close()
  expect(await message).toBeUndefined()
})

test('while an answer comes, Ctrl-C calls, and other keys wait for the next prompt', async () => {
  const chat = editor()
  await asked(chat, `question${keys.enter}`)
  let calls = 0
  const release = chat.lines.listen(() => calls++)
  expect(chat.terminal.isRaw).toBe(true)
  const shown = chat.terminal.raw
  chat.terminal.type(`nexx${'\x7f'}t${keys.up}${keys.ctrlC}`)
  await new Promise((resolve) => setTimeout(resolve, 20))
  expect(calls).toBe(1)
  expect(chat.terminal.raw).toBe(shown)
  release()
  expect(chat.terminal.isRaw).toBe(false)
  expect(await asked(chat, keys.enter)).toBe('next')
})

import { OutriderError } from '@outrider/tensor'
import { describe, expect, test } from 'vitest'
import { Context } from '../context'
import { Terminal } from '../terminal'
import { fakeTerminal } from '../testing/fake-terminal'
import { unansweredSession } from './chat-session.fixture'
import type { LineSource } from './line-source'
import type { ChatAnswer, ChatSession } from './session'
import { talk } from './talk'

type Answering = ChatSession['answer']

const said = (text: string, parts: Partial<ChatAnswer> = {}): ChatAnswer => ({
  text,
  tokens: 3,
  tokensPerSecond: 10,
  finishReason: 'stop',
  contextFull: false,
  speculation: undefined,
  ...parts,
})

/** Talks with a model whose answers are these. */
async function conversation(messages: string[], answer: Answering, env: NodeJS.ProcessEnv = {}) {
  const screen = fakeTerminal()
  const { input, output } = screen
  const session = await unansweredSession()
  Object.assign(session, { warmUp: async () => undefined, answer })
  let interrupt = (): void => undefined
  const left = [...messages]
  const lines: LineSource = {
    ask: async () => left.shift(),
    listen(onInterrupt) {
      interrupt = onInterrupt
      return () => undefined
    },
    close: () => undefined,
  }
  const terminal = new Terminal({ out: output, err: output, env, json: false })
  const context = new Context(terminal, new AbortController().signal, { input, out: output, err: output, env })
  const ended = talk(context, session, { lines, interactive: true })
  return { session, screen, ended, interrupt: () => interrupt() }
}

describe('a conversation', () => {
  test('shows no control characters of an answer, and keeps them in it', async () => {
    const { ended, screen, session } = await conversation(['Hi'], async (onPiece) => {
      onPiece({ text: 'a\x1b]0;title\x07', source: 'draft' })
      session.conversation.answer('a\x1b]0;title\x07')
      return said('a\x1b]0;title\x07')
    })
    await ended
    expect(screen.screen).toContain('a\ufffd]0;title\ufffd\n')
    expect(session.conversation.messages.at(-1)!.content).toContain('\x1b')
  })

  test('explains its colours once, and only where there are some', async () => {
    const answer: Answering = async () => said('yes')
    const coloured = await conversation(['Hi', 'Hi again', '/draft off', 'And now?'], answer)
    await coloured.ended
    expect(coloured.screen.screen.match(/corrected by the target/g)).toHaveLength(1)
    const plain = await conversation(['Hi'], answer, { NO_COLOR: '1' })
    await plain.ended
    expect(plain.screen.screen).not.toContain('corrected by the target')
  })

  test('takes a question back that was stopped before the first word', async () => {
    const { ended, screen } = await conversation(['Hi'], async () => said('', { finishReason: 'stopped', tokens: 0 }))
    await ended
    expect(screen.screen).toContain('the question is taken back')
    expect(screen.screen).not.toContain('0 tokens')
  })

  test('says that an answer is empty, and that it was cut off by the context', async () => {
    const answers = [said(''), said('word', { finishReason: 'length', contextFull: true })]
    const { ended, screen } = await conversation(['Hi', 'More'], async () => answers.shift()!)
    await ended
    expect(screen.screen).toContain('(an empty answer)')
    expect(screen.screen).toMatch(/cut off: the context is full.*\n.*oldest messages are left out; \/new begins anew/)
  })

  test('stops at the first Ctrl-C; a second ends the command', async () => {
    let signals = 0
    const onSignal = () => void signals++
    process.once('SIGINT', onSignal)
    let stop = (): void => undefined
    const talking = await conversation(['Hi'], async (_, signal) => {
      stop()
      expect(signal.aborted).toBe(true)
      expect(signals).toBe(0)
      stop()
      return said('half', { finishReason: 'stopped' })
    })
    stop = talking.interrupt
    await talking.ended
    expect(signals).toBe(1)
  })

  test('goes on after an error, and after a lost device until it was saved', async () => {
    const failures = [new OutriderError('OUT_OF_MEMORY', 'No memory.'), new OutriderError('DEVICE_LOST', 'Lost.')]
    const { ended, screen } = await conversation(['Hi', 'Hi', '/temperature'], async () => {
      throw failures.shift()
    })
    await expect(ended).rejects.toMatchObject({ code: 'DEVICE_LOST' })
    expect(screen.screen).toMatch(/error: No memory\..*error: Lost\..*\/save still saves.*temperature: 0\.7/s)
  })
})

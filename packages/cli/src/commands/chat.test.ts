import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { testDevice } from '@outrider/tensor/testing'
import { createDraft, loadCausalLM, saveCausalLM } from '@outrider/transformer'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bundledTarget } from '../demo/bundled-target'
import { run } from '../run'
import { fakeTerminal, keys } from '../testing/fake-terminal'
import { runCli } from '../testing/run-cli'

const folder = mkdtempSync(join(tmpdir(), 'outrider-chat-'))
const model = bundledTarget()
const draft = join(folder, 'draft')
afterAll(() => rmSync(folder, { recursive: true }))

beforeAll(async () => {
  const device = await testDevice()
  const target = await loadCausalLM(model, { device })
  const small = createDraft(target, { layers: 1, hiddenSize: 16, seed: 1 })
  await saveCausalLM(small, draft)
  small.dispose()
  target.dispose()
})

const greedy = ['--temperature', '0', '--draft-length', '2']
const question = 'Tell me a story about a fox and a kite.'
const history = join(folder, 'state', 'outrider', 'chat-history.jsonl')

/** A chat at a terminal: what is typed and waited for by `person`. */
async function chatAtTerminal(
  flags: string[],
  person: (terminal: ReturnType<typeof fakeTerminal>) => Promise<void>,
  env: NodeJS.ProcessEnv = {},
) {
  const terminal = fakeTerminal({ columns: 500 }) // answers in one line, to be compared
  const { input, output } = terminal
  const surroundings = { input, out: output, err: output, env: { XDG_STATE_HOME: join(folder, 'state'), ...env } }
  const ended = run(['chat', '--model', model, ...flags], surroundings)
  await person(terminal)
  return { status: await ended, terminal }
}

/** The answer to the question, without a terminal. */
async function pipedAnswer(...flags: string[]): Promise<string> {
  const { json } = await runCli(['chat', '--model', model, ...flags, '--json'], { input: question })
  return (json().messages as { content: string }[]).at(-1)!.content
}

describe('a chat at a terminal', () => {
  test('streams in colours, gives figures, obeys commands, stops at Ctrl-C, goes on, and remembers', async () => {
    const answer = await pipedAnswer(...greedy)
    const { status, terminal } = await chatAtTerminal([...greedy, '--draft', draft], async (terminal) => {
      await terminal.waitFor('› ')
      terminal.type(`${question}${keys.enter}`)
      await terminal.waitFor(/accepted\/drafted.*› $/s)
      terminal.type(`/draft off${keys.enter}`)
      await terminal.waitFor(/draft: off.*› $/s)
      terminal.type(`/temperature hot${keys.enter}`)
      await terminal.waitFor(/error: \/temperature: It must be a number.*→.*› $/s)
      terminal.type(`/new${keys.enter}`)
      await terminal.waitFor(/A new conversation.*› $/s)
      terminal.type(`${question}${keys.enter}`)
      await terminal.waitFor(/without a draft.*› $/s)
      terminal.type(`/draft on${keys.enter}`)
      await terminal.waitFor(/draft: on.*› $/s)
      // Nonsense at length, so that there is something to stop.
      terminal.type(`/temperature 9${keys.enter}`)
      await terminal.waitFor(/temperature: 9.*› $/s)
      terminal.typeAt(/Mira\?\r?\n\s*\S+\s+\S/, keys.ctrlC)
      terminal.type(`Who is Mira?${keys.enter}`)
      await terminal.waitFor(/· stopped.*› $/s)
      terminal.type(`/save ${join(folder, 'chat.json')}${keys.enter}`)
      await terminal.waitFor(/Saved to.*› $/s)
      terminal.type(keys.ctrlC)
      await terminal.waitFor(/Ctrl-C again/)
      terminal.type(keys.ctrlC)
    })
    expect(status).toBe(0)
    expect(terminal.isRaw).toBe(false)
    // The same words with the draft and without it: the distribution is the target's.
    expect(terminal.screen.split(answer)).toHaveLength(3)
    expect(terminal.screen.match(/drafted and accepted/g)).toHaveLength(1)
    expect(terminal.raw).toContain('\x1b[4m\x1b[31m') // an untrained draft is corrected
    const { messages } = JSON.parse(readFileSync(join(folder, 'chat.json'), 'utf8')) as {
      messages: { role: string; content: string }[]
    }
    expect(messages.map(({ role }) => role)).toEqual(['user', 'assistant', 'user', 'assistant'])
    expect(messages[1]!.content).toBe(answer)
    expect(messages[3]!.content).not.toBe('')
    expect(readFileSync(history, 'utf8')).toContain(JSON.stringify(question))
    if (process.platform !== 'win32') expect(statSync(history).mode & 0o777).toBe(0o600)
  })

  test('says once that looking up would pay, looks up when it is told to, and paints what was found', async () => {
    const { status, terminal } = await chatAtTerminal(['--temperature', '0', '--no-history'], async (terminal) => {
      await terminal.waitFor('› ')
      for (const advised of [
        /tokens\/s.*› $/s,
        /would make such answers about \d\.\d times as fast.*› $/s,
        /tokens\/s.*› $/s,
      ]) {
        terminal.type(`${question}${keys.enter}`)
        await terminal.waitFor(advised)
      }
      terminal.type(`/draft lookup${keys.enter}`)
      await terminal.waitFor(/draft: lookup.*› $/s)
      terminal.type(`${question}${keys.enter}`)
      await terminal.waitFor(/accepted: looked up \d+\/\d+.*› $/s)
      terminal.type(keys.ctrlD)
    })
    expect(status).toBe(0)
    expect(terminal.screen.match(/--draft lookup, or \/draft lookup now/g)).toHaveLength(1)
    expect(terminal.screen).toContain('looked up and accepted')
    expect(terminal.raw.split('\x1b[33m').length).toBeGreaterThan(10)
  })

  test('has no colours under NO_COLOR, and leaves the oldest messages out when the context is full', async () => {
    const env = { NO_COLOR: '1', OUTRIDER_HISTORY: join(folder, 'none.jsonl') }
    const { status, terminal } = await chatAtTerminal(
      [...greedy, '--no-history'],
      async (terminal) => {
        await terminal.waitFor('› ')
        for (let i = 0; i < 4; i++) {
          terminal.type(`${question}${keys.enter}`)
          await terminal.waitFor(/tokens\/s.*› $/s)
        }
        terminal.type(`${'word '.repeat(200)}${keys.enter}`)
        await terminal.waitFor(/error: The message has \d+ tokens; the context of the model is 128.*› $/s)
        terminal.type(keys.ctrlD)
      },
      env,
    )
    expect(status).toBe(0)
    expect(terminal.screen).toMatch(/context of 128 tokens is full: the oldest question and its answer/)
    expect(terminal.screen).toMatch(/\(2 of \d messages; \/save still has them, \/new begins anew\)/)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the escape character begins every style
    expect(terminal.raw).not.toMatch(/\x1b\[[0-9;]+m/)
    expect(existsSync(env.OUTRIDER_HISTORY)).toBe(false)
  })
})

describe('a chat from a pipe', () => {
  test('prints the answers as plain text, the figures on the error stream', async () => {
    const { status, out, err } = await runCli(['chat', '--model', model, '--draft', draft, ...greedy], {
      input: `/gamma 1\n${question}\n/exit\nnever asked`,
    })
    expect(status).toBe(0)
    expect(out).toBe(`${await pipedAnswer(...greedy)}\n`)
    expect(err).toMatch(/gamma: 1\n.*τ \d.*accepted\/drafted/s)
  })

  test('fails at a mistake, with its status', async () => {
    const { status, err, out } = await runCli(['chat', '--model', model, ...greedy], { input: '/temperature hot\nHi' })
    expect(status).toBe(2)
    expect(err).toContain('/temperature: It must be a number')
    expect(out).toBe('')
  })
})

import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { unansweredSession } from './chat-session.fixture'
import { completeLine } from './completion'
import type { ChatSession } from './session'
import { runSlashCommand, slashCommands, slashHelp } from './slash-commands'

const folder = mkdtempSync(join(tmpdir(), 'outrider-chat-'))
afterAll(() => rmSync(folder, { recursive: true }))

let session: ChatSession
let saved: Set<string>
beforeEach(async () => {
  session = await unansweredSession()
  saved = new Set()
})
const say = (line: string) => runSlashCommand(line, { session, saved })

describe('settings', () => {
  test.each([
    ['/draft off', { drafting: false }],
    ['/draft on', { drafting: true }],
    ['/draft lookup', { drafting: true, lookup: true }],
    ['/gamma 5', { draftLength: 5 }],
    ['/gamma auto', { draftLength: 'auto' }],
    ['/temperature 0', { temperature: 0 }],
    ['/temperature 1.25', { temperature: 1.25 }],
    ['/top-p 0.5', { topP: 0.5 }],
    ['/top-k 40', { topK: 40 }],
    ['/min-p 0.1', { minP: 0.1 }],
    ['/repetition-penalty 1.1', { repetitionPenalty: 1.1 }],
    ['/seed 7', { seed: 7 }],
  ])('%s is said and done', async (line, settings) => {
    const before = { ...session.settings }
    const [name, value] = line.slice(1).split(' ')
    expect(await say(line)).toBe(`${name}: ${value}`)
    expect(session.settings).toEqual({ ...before, ...settings })
    expect(await say(`/${name}`)).toBe(`${name}: ${value}`)
  })

  test.each([
    ['/draft maybe', /\/draft: It must be off, on or lookup/],
    ['/gamma 0', /\/gamma: It must be an integer from 1 to 15, or auto, not "0"/],
    ['/gamma 16', /from 1 to 15/],
    ['/gamma many', /not "many"/],
    ['/temperature -1', /\/temperature: It must be a number of at least 0, not "-1"/],
    ['/temperature hot', /not "hot"/],
    ['/top-p 0', /\/top-p: It must be above 0/],
    ['/top-p 1.5', /from 0 to 1/],
    ['/top-k 1.5', /integer of at least 0/],
    ['/min-p 2', /from 0 to 1/],
    ['/repetition-penalty 0', /must be above 0/],
    ['/seed -3', /integer of at least 0/],
    ['/new thing', /\/new: Nothing follows it/],
    ['/save', /needs the name of a file/],
  ])('%s is refused, and nothing changes', async (line, message) => {
    const before = { ...session.settings }
    await expect(say(line)).rejects.toMatchObject({
      message: expect.stringMatching(message),
      remedy: expect.any(String),
    })
    expect(session.settings).toEqual(before)
  })

  test('of the draft need one', async () => {
    session = await unansweredSession({ draft: false })
    for (const line of ['/draft on', '/gamma 3']) await expect(say(line)).rejects.toThrow(/no draft.*--draft DIR/)
    expect(await say('/draft')).toBe('draft: none')
  })

  test('what was said is looked up without a draft, too, until it is told otherwise', async () => {
    session = await unansweredSession({ draft: false })
    expect(await say('/draft lookup')).toBe('draft: lookup')
    expect(await say('/gamma 3')).toBe('gamma: 3')
    expect(await say('/draft off')).toBe('draft: off')
    expect(session.drafts).toBe(false)
    expect(await say('/draft on')).toBe('draft: lookup')
    expect(session.drafts).toBe(true)
  })

  test('after looking up, /draft on is the draft alone again', async () => {
    await say('/draft lookup')
    expect(await say('/draft on')).toBe('draft: on')
    expect(session.settings.lookup).toBe(false)
  })
})

describe('/system', () => {
  test('sets, shows and removes the system message', async () => {
    expect(await say('/system')).toBe('system: none')
    expect(await say('/system Be  kind.\nAnd short.')).toBe('system: Be  kind.\nAnd short.')
    session.conversation.ask('Who?')
    expect(session.conversation.sent[0]).toEqual({ role: 'system', content: 'Be  kind.\nAnd short.' })
    await say('/system none')
    expect(session.conversation.sent).toHaveLength(1)
  })

  test('is refused where the chat template takes none', async () => {
    Object.assign(session.target, {
      chatTemplate: {
        render: () => {
          throw new Error('no system role')
        },
      },
    })
    await expect(say('/system Be kind.')).rejects.toThrow('no system role')
    expect(await say('/system')).toBe('system: none')
  })
})

describe('/new and /save', () => {
  const talk = () => {
    session.conversation.ask('Who is Mira?')
    session.conversation.answer('She lives\nby the lake.')
  }

  test('/new begins anew and keeps the system message', async () => {
    await say('/system Be kind.')
    talk()
    await say('/new')
    expect(session.conversation.messages).toEqual([{ role: 'system', content: 'Be kind.' }])
  })

  test('/save writes to be read, or with all settings, or as a row of a dataset', async () => {
    talk()
    await say(`/save ${join(folder, 'talk.md')}`)
    expect(readFileSync(join(folder, 'talk.md'), 'utf8')).toMatch(
      /## user\n\nWho is Mira\?\n\n## assistant\n\nShe lives/,
    )
    await say(`/save ${join(folder, 'talk.json')}`)
    expect(JSON.parse(readFileSync(join(folder, 'talk.json'), 'utf8'))).toMatchObject({
      settings: { temperature: 0.7, top_p: 0.95, draft_length: 'auto' },
      messages: session.conversation.messages,
      speculation: { num_drafts: 0 },
    })
    for (let i = 0; i < 2; i++) await say(`/save ${join(folder, 'talk.jsonl')}`)
    const rows = readFileSync(join(folder, 'talk.jsonl'), 'utf8').trim().split('\n')
    expect(rows.map((row) => JSON.parse(row))).toEqual(Array(2).fill({ messages: session.conversation.messages }))
  })

  test('/save writes again what this conversation wrote, and no file of anyone else', async () => {
    const [mine, other] = [join(folder, 'mine.md'), join(folder, 'other.md')]
    talk()
    await say(`/save ${mine}`)
    talk()
    await say(`/save ${mine}`)
    expect(readFileSync(mine, 'utf8').match(/## user/g)).toHaveLength(2)
    writeFileSync(other, 'precious')
    await expect(say(`/save ${other}`)).rejects.toMatchObject({ code: 'FILE_WRITE' })
    await say('/new')
    talk()
    await expect(say(`/save ${mine}`)).rejects.toThrow(/already there/)
    expect(readFileSync(other, 'utf8')).toBe('precious')
  })

  test('/save says what it cannot do', async () => {
    const file = join(folder, 'x.md')
    await expect(say(`/save ${file}`)).rejects.toThrow(/nothing to save yet/)
    talk()
    await expect(say(`/save ${folder}`)).rejects.toThrow(/is a folder/)
    for (const name of ['x.md', 'x.jsonl'])
      await expect(say(`/save ${join(folder, 'nowhere', name)}`)).rejects.toMatchObject({ code: 'FILE_WRITE' })
    expect(existsSync(file)).toBe(false)
  })
})

describe('/help', () => {
  test('lists every command with what is set, and fits into 80 columns', async () => {
    await say('/system A long system message that would not fit into the line at all.')
    const help = slashHelp(session)
    for (const { name } of slashCommands) expect(help).toContain(name)
    expect(help).toContain('[0.95]')
    for (const line of help.split('\n')) expect(line.length, line).toBeLessThanOrEqual(80)
    expect(help).toMatch(/backslash/)
    expect(help).toMatch(/Ctrl-C/)
  })
})

test('an unknown command is refused with the nearest names', async () => {
  await expect(say('/temp 0.3')).rejects.toThrow(/no command \/temp\. Did you mean \/temperature\?/)
  await expect(say('/top 3')).rejects.toThrow(/Did you mean \/top-p or \/top-k\?/)
  await expect(say('/sed 3')).rejects.toThrow(/Did you mean \/seed/)
  await expect(say('/frobnicate')).rejects.toThrow(/no command \/frobnicate\. \/help/)
})

describe('Tab', () => {
  test('completes names of commands, and what follows them', () => {
    expect(completeLine('/to')).toEqual([['/top-p ', '/top-k '], '/to'])
    expect(completeLine('/he')).toEqual([['/help'], '/he'])
    expect(completeLine('/draft o')).toEqual([['off', 'on'], 'o'])
    expect(completeLine('/gamma a')).toEqual([['auto'], 'a'])
    expect(completeLine('/')[0]).toHaveLength(slashCommands.length)
    expect(completeLine('/new x')[0]).toEqual([])
  })

  test('completes files after /save, folders with a slash', () => {
    mkdirSync(join(folder, 'folder'))
    for (const name of ['one.md', 'other.md', '.hidden']) writeFileSync(join(folder, 'folder', name), '')
    expect(completeLine(`/save ${folder}/fol`)[0]).toEqual([`${folder}/folder/`])
    expect(completeLine(`/save ${folder}/folder/o`)[0]).toEqual([
      `${folder}/folder/one.md`,
      `${folder}/folder/other.md`,
    ])
    expect(completeLine(`/save ${folder}/nowhere/x`)[0]).toEqual([])
  })

  test('leaves messages alone', () => {
    expect(completeLine('Tell me')).toEqual([[], 'Tell me'])
  })
})

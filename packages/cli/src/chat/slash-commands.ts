import { maxDraftLength } from '@outrider/speculative'
import { OutriderError } from '@outrider/tensor'
import { InvalidArgumentError } from 'commander'
import { probability } from '../options/groups'
import { integer, number, positive } from '../options/parse'
import { share } from '../options/processing'
import type { ChatSession } from './session'
import { saveConversation, saveForms } from './transcript'

/** What a command works on. */
export interface SlashContext {
  session: ChatSession
  /** Files that this conversation was saved to. */
  saved: Set<string>
}

export interface SlashCommand {
  name: `/${string}`
  /** What follows the name, for the help. */
  argument?: string
  does: string
  /** Words that Tab completes after the name; 'file' for names of files. */
  words?: readonly string[] | 'file'
  /** What is set now. */
  now?: (session: ChatSession) => string
  /** @returns what is said to the user; undefined for the setting as it is now */
  run: (context: SlashContext, argument: string) => string | undefined | Promise<string>
}

/** The commands in the order of the help. /help and /exit are known to the loop. */
export const slashCommands: readonly SlashCommand[] = [
  {
    name: '/draft',
    argument: 'off|on|lookup',
    does: 'without the draft, with it, or looking up first',
    words: ['off', 'on', 'lookup'],
    now: ({ draft, drafts, settings }) => {
      if (!drafts) return draft === undefined && !settings.lookup ? 'none' : 'off'
      return settings.lookup ? 'lookup' : 'on'
    },
    run({ session }, argument) {
      const { settings, draft } = session
      if (!['off', 'on', 'lookup'].includes(argument)) throw wrong('/draft', 'It must be off, on or lookup.')
      if (argument !== 'lookup') needsDraft(session)
      settings.drafting = argument !== 'off'
      // Looking up needs no draft, and what --draft looks up is on with it.
      if (settings.drafting) settings.lookup = argument === 'lookup' || (draft?.lookup ?? settings.lookup)
      return undefined
    },
  },
  {
    name: '/gamma',
    argument: 'N|auto',
    does: 'tokens drafted for a block (γ)',
    words: ['auto', '1', '2', '3', '5', '8'],
    now: ({ draft, settings }) => (draft === undefined && !settings.lookup ? 'none' : String(settings.draftLength)),
    run({ session }, argument) {
      needsDraft(session)
      session.settings.draftLength =
        argument === 'auto'
          ? 'auto'
          : parsed('/gamma', integer({ least: 1, most: maxDraftLength }), argument, ', or auto')
      return undefined
    },
  },
  setting('temperature', '/temperature', 'X', '0 takes the likeliest token always', number({ least: 0 })),
  setting('topP', '/top-p', 'X', 'only the likeliest tokens that have this probability', probability),
  setting('topK', '/top-k', 'N', 'only the N likeliest tokens; 0 for all', integer()),
  setting('minP', '/min-p', 'X', 'only tokens at least X times as likely as the likeliest', share),
  setting('repetitionPenalty', '/repetition-penalty', 'X', 'against repeating; 1 for none', positive),
  setting('seed', '/seed', 'N', 'the same seed gives the same answers again', integer()),
  {
    name: '/system',
    argument: 'TEXT|none',
    does: 'the system message, from the next answer on',
    words: ['none'],
    now: ({ conversation }) => conversation.system ?? 'none',
    run({ session }, argument) {
      session.setSystem(argument === 'none' ? undefined : argument)
      return undefined
    },
  },
  {
    name: '/new',
    does: 'a new conversation; settings and system message stay',
    run({ session, saved }) {
      session.conversation.clear()
      saved.clear()
      return 'A new conversation.'
    },
  },
  {
    name: '/save',
    argument: 'FILE',
    does: saveForms,
    words: 'file',
    async run({ session, saved }, argument) {
      if (argument === '') throw wrong('/save', 'It needs the name of a file.')
      return `Saved to ${await saveConversation(argument, session, saved)}`
    },
  },
  { name: '/help', does: 'this', run: ({ session }) => slashHelp(session) },
  { name: '/exit', does: 'ends, as Ctrl-D does', run: () => '' },
]

/**
 * Runs a line that begins with a slash.
 *
 * @returns what is said to the user
 * @throws OutriderError INVALID_ARGUMENT, FILE_WRITE; nothing is changed then
 */
export async function runSlashCommand(line: string, context: SlashContext): Promise<string> {
  const [, name = '', argument = ''] = /^(\S+)\s*(.*)$/s.exec(line.trim()) ?? []
  const command = slashCommands.find((known) => known.name === name)
  if (!command) throw unknown(name)
  if (command.now && argument === '') return `${name.slice(1)}: ${command.now(context.session)}`
  if (!command.argument && argument !== '') throw wrong(name, 'Nothing follows it.')
  return (await command.run(context, argument)) ?? `${name.slice(1)}: ${command.now!(context.session)}`
}

/** What can be typed, with the settings as they are. */
export function slashHelp(session: ChatSession): string {
  const lines = slashCommands.map(({ name, argument = '', does, now }) => {
    const line = `  ${`${name} ${argument}`.padEnd(18)} ${does}`
    return now ? `${line} [${shortened(now(session), helpColumns - line.length - 3)}]` : line
  })
  return [
    ...lines,
    '',
    'A message goes on in the next line after a backslash (\\) at its end; pasted',
    'lines stay together until Enter. A blank before a slash makes it a message.',
    '↑ ↓ bring earlier messages, Tab completes commands. Ctrl-C stops an answer; the',
    'conversation stays. At the prompt Ctrl-C twice, or Ctrl-D, ends.',
  ].join('\n')
}

function setting(
  key: 'temperature' | 'topP' | 'topK' | 'minP' | 'repetitionPenalty' | 'seed',
  name: `/${string}`,
  argument: string,
  does: string,
  parse: (text: string) => number,
): SlashCommand {
  return {
    name,
    argument,
    does,
    now: ({ settings }) => String(settings[key] ?? 'none'),
    run({ session }, text) {
      session.settings[key] = parsed(name, parse, text)
      return undefined
    },
  }
}

function parsed(name: string, parse: (text: string) => number, text: string, or = ''): number {
  try {
    return parse(text)
  } catch (error) {
    if (!(error instanceof InvalidArgumentError)) throw error
    throw wrong(name, error.message.replace(/\.$/, `${or}, not "${text}".`))
  }
}

function needsDraft({ draft, settings }: ChatSession): void {
  if (draft || settings.lookup) return
  throw new OutriderError('INVALID_ARGUMENT', 'There is no draft.', {
    remedy: 'Start the chat with --draft DIR; /draft lookup needs none.',
  })
}

const wrong = (name: string, message: string) =>
  new OutriderError('INVALID_ARGUMENT', `${name}: ${message}`, {
    remedy: `/help shows how ${name} is used.`,
  })

function unknown(name: string): OutriderError {
  const names = slashCommands.map((command) => command.name)
  const longer = names.filter((known) => known.startsWith(name))
  const near = longer.length > 0 ? longer : names.filter((known) => distance(known, name) <= 2)
  const meant = near.length > 0 ? ` Did you mean ${near.join(' or ')}?` : ''
  return new OutriderError('INVALID_ARGUMENT', `There is no command ${name}.${meant}`, {
    remedy: '/help lists what there is; a blank before the slash makes it a message.',
  })
}

/** Levenshtein's: insertions, deletions and replacements from one word to the other. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++)
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)))
    row = next
  }
  return row[b.length]!
}

const helpColumns = 80
const shortened = (text: string, length: number): string => {
  const line = text.replaceAll('\n', ' ')
  return line.length > length ? `${line.slice(0, length - 1)}…` : line
}

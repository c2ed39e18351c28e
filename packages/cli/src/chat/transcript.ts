import { appendFile, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { basename, dirname, extname, resolve } from 'node:path'
import { OutriderError } from '@outrider/tensor'
import { directory } from '@outrider/transformer'
import type { ChatSession } from './session'

/** Where a conversation is saved, and how: by the ending of the file's name. */
export const saveForms = 'as .md, .json (with settings), or one more row of .jsonl'

/**
 * Saves the conversation. A file that is already there is left alone, unless this conversation was saved to it before;
 * `.jsonl` files grow by a row.
 *
 * @param mine  files that may be written again; this one is added
 * @returns the path
 * @throws OutriderError INVALID_ARGUMENT, FILE_WRITE
 */
export async function saveConversation(file: string, session: ChatSession, mine: Set<string>): Promise<string> {
  const { messages } = session.conversation
  if (session.conversation.exchanges === 0)
    throw new OutriderError('INVALID_ARGUMENT', 'There is nothing to save yet.', { remedy: 'Ask something first.' })
  const path = resolve(file.replace(/^~(?=[/\\])/, homedir()))
  const kind = extname(path).toLowerCase()
  const found = await stat(path).catch(() => undefined)
  if (found?.isDirectory()) throw refusal(`${path} is a folder.`, 'Name a file in it.')
  if (kind === '.jsonl') {
    await appendFile(path, `${JSON.stringify({ messages })}\n`).catch((error: Error) => {
      throw refusal(`${path} cannot be written: ${error.message}.`)
    })
    return path
  }
  if (found && !mine.has(path)) throw refusal(`${path} is already there.`, 'Give another name, or remove it first.')
  if (!(await stat(dirname(path)).catch(() => undefined))?.isDirectory())
    throw refusal(`There is no folder ${dirname(path)}.`, 'Make it first, or give another name.')
  await directory(dirname(path)).write(basename(path), kind === '.json' ? asJson(session) : asMarkdown(session))
  mine.add(path)
  return path
}

const refusal = (message: string, remedy?: string) => new OutriderError('FILE_WRITE', message, { remedy })

function asJson({ conversation, settings, target, draft, speculation }: ChatSession): string {
  const { temperature, topK, topP, seed, maxTokens, draftLength, draftStop, verification } = settings
  const saved = {
    model: target.source,
    ...(draft && { draft: draft.name }),
    settings: {
      temperature,
      top_k: topK,
      top_p: topP,
      min_p: settings.minP,
      repetition_penalty: settings.repetitionPenalty,
      presence_penalty: settings.presencePenalty,
      frequency_penalty: settings.frequencyPenalty,
      logit_bias: settings.logitBias,
      seed,
      max_tokens: maxTokens,
      ...((draft || speculation) && {
        draft_length: draftLength,
        draft_stop: draftStop,
        verification,
        drafting: settings.drafting,
        lookup: settings.lookup,
      }),
    },
    messages: conversation.messages,
    ...(speculation && { speculation: speculation.toJSON() }),
  }
  return `${JSON.stringify(saved, null, 2)}\n`
}

function asMarkdown({ conversation, target }: ChatSession): string {
  const parts = conversation.messages.map(({ role, content }) => `## ${role}\n\n${content.trim()}\n`)
  return [`# A conversation with ${target.source}\n`, ...parts].join('\n')
}

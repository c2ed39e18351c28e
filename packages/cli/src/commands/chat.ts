import { OutriderError } from '@outrider/tensor'
import { completeLine } from '../chat/completion'
import { historyFile, openHistory } from '../chat/history'
import { lineEditor } from '../chat/line-editor'
import type { LineSource } from '../chat/line-source'
import { pipedLines } from '../chat/piped-lines'
import { ChatSession } from '../chat/session'
import { talk } from '../chat/talk'
import { type AddCommand, withExamples, withOutputOptions } from '../command'
import type { Context } from '../context'
import { DraftOption } from '../draft/draft-source'
import { learningOf } from '../draft/learning'
import { openDraftOf } from '../draft/open-draft'
import { openModel } from '../models'
import {
  type DtypeFlags,
  modelSource,
  type SamplingFlags,
  type SpeculationFlags,
  withDtype,
  withSampling,
  withSpeculation,
} from '../options/groups'
import { integer } from '../options/parse'
import { type ProcessingFlags, processingOf, withProcessing } from '../options/processing'
import { isInteractive } from '../terminal'
import { useTuned } from '../tuned'

interface ChatFlags extends SamplingFlags, ProcessingFlags, SpeculationFlags, DtypeFlags {
  model: string
  draft?: string
  learn?: boolean
  system?: string
  maxTokens: number
  history: boolean
}

export const addChat: AddCommand = (program, run) => {
  const command = program
    .command('chat')
    .summary('talk with a chat model, with or without a draft')
    .description(
      'A conversation on the terminal, coloured by where tokens come from, with the figures of each answer. /help lists what can be changed on the way; Ctrl-C stops an answer; Ctrl-D, /exit or Ctrl-C twice at the prompt ends.',
    )
    .requiredOption('--model <dir>', `a chat-tuned model: ${modelSource}`)
    .addOption(new DraftOption())
    .option(
      '--learn',
      'with lookup: answers go into the table, which is saved in DIR at the end, so that later chats are drafted from them',
    )
    .option('--system <text>', 'a system message')
    .option('--max-tokens <n>', 'the most tokens of an answer', integer({ least: 1 }), 512)
    .option('--no-history', 'keep no history of what is typed, and read none (as OUTRIDER_HISTORY=off does)')
  withExamples(
    withOutputOptions(
      withDtype(withSpeculation(withProcessing(withSampling(command, { temperature: 0.7, topP: 0.95 }))), {
        draft: true,
      }),
    ),
    [
      ['Talk with the pair', 'outrider chat --model ./model --draft ./draft'],
      [
        'Look up in what was said, then ask the draft; without a draft it is --draft lookup',
        'outrider chat --model ./model --draft lookup+./draft',
      ],
      [
        'A model of the Hub, in a quarter of its memory',
        'outrider chat --model Qwen/Qwen2.5-1.5B-Instruct --dtype q4_0',
      ],
      [
        'One question from a pipe, the conversation as JSON',
        "echo 'Tell me about Mira.' | outrider chat --model ./model --json",
      ],
    ],
  )
  command.addHelpText(
    'after',
    `
Environment:
  OUTRIDER_HISTORY  the file for what is typed, or off. Default: chat-history.jsonl in the user's
                    state folder (~/.local/state/outrider), readable by its user only
  NO_COLOR          no colours`,
  )
  command.action((flags: ChatFlags) => run((context) => chat(context, flags), command))
}

async function chat(context: Context, flags: ChatFlags): Promise<object> {
  await useTuned(context)
  const target = await openModel(context, flags.model, 'model', flags)
  if (!target.chatTemplate)
    throw new OutriderError('UNSUPPORTED', `${flags.model} has no chat template, so it cannot hold a conversation.`, {
      remedy: 'Use a chat-tuned model, or `outrider complete`.',
    })
  const draft = await openDraftOf(context, flags, target)
  const { temperature, topK, topP, seed, maxTokens, draftLength, draftStop, verification, system } = flags
  const sampling = { temperature, topK, topP, ...processingOf(flags), seed, maxTokens }
  const lookup = draft?.lookup ?? false
  const settings = { ...sampling, draftLength, draftStop, verification, drafting: true, lookup }
  const learning = await learningOf(context, { learn: flags.learn, draft, target, inputs: { '--model': flags.model } })
  const session = new ChatSession({ target, draft, settings, system, learning })
  const { lines, interactive } = lineSource(context, flags)
  context.signal.addEventListener('abort', () => lines.close())
  try {
    await talk(context, session, { lines, interactive })
  } finally {
    lines.close()
    session.dispose()
    await learning?.save()
  }
  const { messages, dropped } = session.conversation
  return {
    messages,
    ...(dropped > 0 && { messages_beyond_context: dropped }),
    ...(session.speculation && { speculation: session.speculation.toJSON() }),
  }
}

function lineSource(
  { terminal, surroundings }: Context,
  flags: ChatFlags,
): { lines: LineSource; interactive: boolean } {
  const { input, out, err, env } = surroundings
  const { style, noteStyle } = terminal
  if (terminal.json || !isInteractive(input, out, env)) {
    const prompt = () => input.isTTY && err.isTTY && !terminal.json && err.write(noteStyle.bold('› '))
    return { lines: pipedLines(input, prompt), interactive: false }
  }
  const file = flags.history ? historyFile(env) : undefined
  const history = openHistory(file, (reason) => terminal.note(noteStyle.dim(`No history is kept: ${reason}`)))
  const lines = lineEditor({
    input,
    output: out,
    prompts: { first: style.bold('› '), next: style.dim('… ') },
    leaveHint: style.dim('(Ctrl-C again, Ctrl-D or /exit ends)'),
    history,
    complete: completeLine,
  })
  return { lines, interactive: true }
}

import { createInterface } from 'node:readline'
import { SpeculativeDecoder } from '@outrider/speculative'
import { OutriderError } from '@outrider/tensor'
import { type ChatMessage, generate } from '@outrider/transformer'
import { type AddCommand, withExamples, withOutputOptions } from '../command'
import type { Context } from '../context'
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
import { fixed } from '../terminal'
import { type AnswerStream, streamed, timingsOf } from './complete'

interface ChatFlags extends SamplingFlags, SpeculationFlags, DtypeFlags {
  model: string
  draft?: string
  system?: string
  maxTokens: number
}

export const addChat: AddCommand = (program, run) => {
  const command = program
    .command('chat')
    .summary('talk with a chat model, with or without a draft')
    .description('A conversation on the terminal. /new begins a new one, /exit or Ctrl-D or Ctrl-C ends.')
    .requiredOption('--model <dir>', `a chat-tuned model: ${modelSource}`)
    .option('--draft <dir>', 'a draft of the same vocabulary')
    .option('--system <text>', 'a system message')
    .option('--max-tokens <n>', 'the most tokens of an answer', integer({ least: 1 }), 512)
  withExamples(
    withOutputOptions(
      withDtype(withSpeculation(withSampling(command, { temperature: 0.7, topP: 0.95 })), { draft: true }),
    ),
    [
      ['Talk with the pair', 'outrider chat --model ./model --draft ./draft'],
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
  command.action((flags: ChatFlags) => run((context) => chat(context, flags), command))
}

async function chat(context: Context, flags: ChatFlags): Promise<object> {
  const { terminal, signal, input } = context
  const target = await openModel(context, flags.model, 'model', flags.dtype)
  if (!target.chatTemplate)
    throw new OutriderError('UNSUPPORTED', `${flags.model} has no chat template, so it cannot hold a conversation.`, {
      remedy: 'Use a chat-tuned model, or `outrider complete`.',
    })
  const draft = flags.draft === undefined ? undefined : await openModel(context, flags.draft, 'draft', flags.draftDtype)
  const decoder =
    draft &&
    new SpeculativeDecoder({ target, drafter: draft, draftLength: flags.draftLength, verification: flags.verification })
  const opening: ChatMessage[] = flags.system === undefined ? [] : [{ role: 'system', content: flags.system }]
  let messages = [...opening]
  const { temperature, topK, topP, seed, maxTokens } = flags

  const lines = createInterface({ input, terminal: false })
  signal.addEventListener('abort', () => lines.close())
  const ask = () => input.isTTY && terminal.write(terminal.style.bold('› '))
  ask()
  try {
    for await (const line of lines) {
      const content = line.trim()
      if (content === '/exit') break
      if (content === '/new') messages = [...opening]
      if (content !== '' && content !== '/new') {
        messages.push({ role: 'user', content })
        const options = { temperature, topK, topP, seed: seed + messages.length, maxTokens, signal }
        const answer: AnswerStream = decoder ? decoder.generate(messages, options) : generate(target, messages, options)
        const result = await streamed(answer, (text) => terminal.write(text))
        messages.push({ role: 'assistant', content: result.text })
        terminal.print()
        const rate = `${fixed(timingsOf(result).tokens_per_second, 0)} tokens/s`
        terminal.note(
          terminal.noteStyle.dim(decoder ? `${rate}, τ ${fixed(decoder.metrics.blockEfficiency)} so far` : rate),
        )
      }
      ask()
    }
  } finally {
    lines.close()
  }
  return { messages, ...(decoder && { speculation: decoder.metrics.toJSON() }) }
}

import { draftersText, stopsText } from '@outrider/evaluation'
import { SpeculativeDecoder } from '@outrider/speculative'
import { OutriderError } from '@outrider/tensor'
import { type Generation, type GenerationResult, generate, type Prompt } from '@outrider/transformer'
import { type AddCommand, withExamples, withOutputOptions } from '../command'
import type { Context } from '../context'
import { DraftOption } from '../draft/draft-source'
import { drafterOf, openDraftOf } from '../draft/open-draft'
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
import { duration, fixed } from '../terminal'

interface CompleteFlags extends SamplingFlags, ProcessingFlags, SpeculationFlags, DtypeFlags {
  model: string
  draft?: string
  prompt: string
  chat?: boolean
  maxTokens: number
  stop?: string[]
}

export const addComplete: AddCommand = (program, run) => {
  const command = program
    .command('complete')
    .summary('text from a model, with or without a draft')
    .description(
      'Continues a text, or answers a question with --chat. With a draft the text comes faster and has exactly the same distribution; without randomness it is the same text.',
    )
    .requiredOption('--model <dir>', `the model: ${modelSource}`)
    .addOption(new DraftOption())
    .requiredOption('--prompt <text>', 'what to continue')
    .option('--chat', 'the prompt is a message to answer, through the chat template of the model')
    .option('--max-tokens <n>', 'the most tokens to generate', integer({ least: 1 }), 256)
    .option('--stop <text...>', 'texts that end the answer')
  withExamples(withOutputOptions(withDtype(withSpeculation(withProcessing(withSampling(command))), { draft: true })), [
    ['Continue a text', 'outrider complete --model ./model --prompt "Once upon a time"'],
    ['The same text, faster', 'outrider complete --model ./model --draft ./draft --prompt "Once upon a time"'],
    [
      'Without a draft: faster where the text repeats what is there, as edited code and summaries do',
      'outrider complete --model ./model --draft lookup --chat --prompt "$(cat letter.txt) Correct its spelling."',
    ],
    [
      'Answer a question with some freedom, five tokens drafted at a time',
      'outrider complete --model ./model --draft ./draft --chat --prompt "Who is Mira?" --temperature 0.7 --top-p 0.9 --draft-length 5',
    ],
    [
      'For a script: text, token ids, finish_reason, timings, speculation',
      'outrider complete --model ./model --draft ./draft --prompt "Once" --json',
    ],
  ])
  command.action((flags: CompleteFlags) => run((context) => complete(context, flags), command))
}

async function complete(context: Context, flags: CompleteFlags): Promise<object> {
  const { terminal, signal } = context
  if (flags.prompt === '')
    throw new OutriderError('INVALID_ARGUMENT', 'The prompt is empty.', {
      remedy: 'Give --prompt some text to continue.',
    })
  const target = await openModel(context, flags.model, 'model', flags)
  const draft = await openDraftOf(context, flags, target)
  const prompt: Prompt = flags.chat ? [{ role: 'user', content: flags.prompt }] : flags.prompt
  const { temperature, topK, topP, seed, maxTokens, stop } = flags
  const options = { temperature, topK, topP, ...processingOf(flags), seed, maxTokens, stop, signal }

  const { draftLength, draftStop, verification } = flags
  const decoder =
    draft && new SpeculativeDecoder({ target, drafter: drafterOf(draft, flags), draftLength, draftStop, verification })
  const answer: AnswerStream = decoder ? decoder.generate(prompt, options) : generate(target, prompt, options)

  let shown = flags.chat ? '' : flags.prompt // before the first text, once the prompt is known to be good
  const result = await streamed(answer, (text) => {
    terminal.write(shown + text)
    shown = ''
  })
  terminal.print()
  const speculation = decoder?.metrics.toJSON()

  const timings = timingsOf(result)
  terminal.note(
    terminal.noteStyle.dim(
      `${result.tokens.length} tokens (${result.finishReason}), ${fixed(timings.tokens_per_second, 1)} tokens/s, first after ${duration(timings.prompt_seconds)}` +
        (speculation
          ? `; τ ${fixed(speculation.block_efficiency)}, α ${fixed(speculation.acceptance_rate)}, MBSU ${fixed(speculation.mbsu)}`
          : ''),
    ),
  )
  if (decoder && draftStop === 'auto') terminal.note(terminal.noteStyle.dim(stopsText(decoder.metrics)))
  const byDrafter = decoder && draftersText(decoder.metrics)
  if (byDrafter) terminal.note(terminal.noteStyle.dim(byDrafter))
  return {
    text: result.text,
    tokens: result.tokens,
    finish_reason: result.finishReason,
    timings,
    ...(speculation && { speculation }),
  }
}

/** An answer as it comes, plainly or in blocks. */
export type AnswerStream = Generation<{ text: string }>

/** Hands on each text as it comes. */
export async function streamed(answer: AnswerStream, onText: (text: string) => void): Promise<GenerationResult> {
  for await (const { text } of answer) onText(text)
  return answer.result
}

/** Tokens per second are those after the first token, over the time from the first token to the last. */
function timingsOf({ promptTokens, tokens, timings }: GenerationResult) {
  const { promptSeconds, decodeSeconds } = timings
  return {
    prompt_tokens: promptTokens,
    prompt_seconds: promptSeconds,
    decode_seconds: decodeSeconds,
    tokens_per_second: decodeSeconds > 0 ? (tokens.length - 1) / decodeSeconds : 0,
  }
}

import { readFile } from 'node:fs/promises'
import { type ContinuingTarget, type EndpointTarget, openAiTarget, type ScoringTarget } from '@outrider/dataset'
import { OutriderError } from '@outrider/tensor'
import { directory, loadTokenizer, openSpeaker, type SpeakerFiles, type Tokenizer } from '@outrider/transformer'
import { type Command, InvalidArgumentError } from 'commander'
import type { Context } from './context'
import { withFolderAdvice } from './model-source'
import { given, ofNoUse } from './options/given'
import { integer, number, positive } from './options/parse'

/** A target that answers elsewhere. */
export interface EndpointFlags {
  endpoint?: string
  model?: string
  concurrency?: number
  apiKeyFile?: string
  requestTimeout?: number
  maxFailed?: number
  prices?: Prices
}

/** What a million tokens cost. */
export interface Prices {
  read: number
  generated: number
}

/** Flags that say nothing without `--endpoint`. */
export const endpointFlags = ['model', 'concurrency', 'apiKeyFile', 'requestTimeout', 'maxFailed', 'prices'] as const

/**
 * @param options.target  what of the target is to be here
 * @param options.prices  whether what is asked can be told the cost of
 */
export function withEndpoint(
  command: Command,
  {
    target = '--target is then its tokenizer alone, compared with the endpoint’s, and may be left out',
    prices: hasPrices = true,
  }: { target?: string; prices?: boolean } = {},
): Command {
  command
    .option(
      '--endpoint <url>',
      `a server that has the target, and speaks OpenAI’s API: vLLM, SGLang, llama.cpp’s, outrider serve, a hosted one. ${target}`,
    )
    .option('--model <name>', 'what the endpoint calls the target')
    .option(
      '--concurrency <n>',
      'the most requests at once; fewer while the endpoint is too busy (default: 16)',
      integer({ least: 1 }),
    )
    .option(
      '--api-key-file <file>',
      'a file with the endpoint’s key, which is written nowhere (default: OUTRIDER_API_KEY, if it is set)',
    )
    .option(
      '--request-timeout <seconds>',
      'how long an answer may take before it is asked for again (default: 600)',
      positive,
    )
    .option('--max-failed <n>', 'rows that the endpoint may refuse; they are left out (default: 0)', integer())
  if (hasPrices)
    command.option(
      '--prices <read,generated>',
      'what a million tokens cost at the endpoint: the cost is then shown',
      prices,
    )
  return command
}

/**
 * Makes sure of the model's name where there is an endpoint, and that where there is none nothing is asked of it.
 *
 * @returns whether there is one
 */
export function assertEndpoint(flags: EndpointFlags): boolean {
  const { endpoint, model } = flags
  const useless = endpoint === undefined && given(flags, endpointFlags)
  if (useless) throw ofNoUse(useless, 'without --endpoint', ', or give --endpoint')
  if (endpoint !== undefined && model === undefined)
    throw new OutriderError('INVALID_ARGUMENT', '--endpoint needs --model.', {
      remedy: 'Give the name that the server has for the target; GET /v1/models lists them.',
    })
  return endpoint !== undefined
}

/** The target at an endpoint. What of its tokenizer is at hand is compared with the endpoint's before anything is asked. */
export async function openEndpoint(
  context: Context,
  { endpoint, model, apiKeyFile, requestTimeout }: EndpointFlags,
  target: string | undefined,
): Promise<EndpointTarget & ScoringTarget & ContinuingTarget> {
  const { terminal, surroundings } = context
  const apiKey = apiKeyFile === undefined ? surroundings.env.OUTRIDER_API_KEY : await keyIn(apiKeyFile)
  const found = openAiTarget({
    baseUrl: endpoint!,
    model: model!,
    apiKey: apiKey || undefined,
    tokenizer: target === undefined ? undefined : await tokenizerOf(context, target),
    timeoutSeconds: requestTimeout,
  })
  terminal.noteParagraph(`Target: ${found.source}`, '  ')
  return found
}

async function keyIn(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch((cause) => {
    throw new OutriderError('FILE_MISSING', `--api-key-file ${file} cannot be read.`, {
      remedy: 'Name a file that has the key and nothing else.',
      cause,
    })
  })
  return text.trim()
}

/** What of a target speaks for it while it is elsewhere: its weights need not be there. */
export const speakerOf = async ({ onWarning, signal }: Context, path: string): Promise<SpeakerFiles> => {
  try {
    return await openSpeaker(path, { onWarning, signal })
  } catch (error) {
    throw await withFolderAdvice(error, path)
  }
}

/** A folder needs nothing but tokenizer.json; other sources are opened as models are, without their weights. */
async function tokenizerOf({ onWarning, signal }: Context, path: string): Promise<Tokenizer> {
  try {
    const isFolder = !/\.gguf$/i.test(path) && (await directory(path).has('tokenizer.json'))
    const source = isFolder ? loadTokenizer(directory(path), onWarning) : openSpeaker(path, { onWarning, signal })
    return (await source).tokenizer
  } catch (error) {
    throw await withFolderAdvice(error, path)
  }
}

function prices(text: string): Prices {
  const parse = number({ least: 0 })
  const [read, generated, ...more] = text.split(',')
  if (read === undefined || generated === undefined || more.length > 0)
    throw new InvalidArgumentError('It must be two numbers, such as 0.15,0.6.')
  return { read: parse(read), generated: parse(generated) }
}

/** What tokens cost, to four digits behind the point at most. */
export const costOf = ({ read, generated }: Prices, tokens: { promptTokens: number; tokens: number }): number =>
  Number(((read * tokens.promptTokens + generated * tokens.tokens) / 1e6).toFixed(4))

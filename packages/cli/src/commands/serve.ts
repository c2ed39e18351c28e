import { basename } from 'node:path'
import { OutriderError } from '@outrider/tensor'
import { defaultPrefixBytes } from '@outrider/transformer'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { readApiKeys } from '../api-keys'
import { type AddCommand, withExamples } from '../command'
import { adapterLabel, type Context } from '../context'
import { draftLoader } from '../draft/draft-loader'
import { DraftOption, draftName } from '../draft/draft-source'
import { type DraftsBelow, draftsBelow } from '../draft/drafts-below'
import { learningOf } from '../draft/learning'
import { LookupAdvice } from '../draft/lookup-advice'
import { drafterOf, openDraftOf } from '../draft/open-draft'
import { errorText } from '../error-text'
import { openModel } from '../models'
import { type DtypeFlags, modelSource, type SpeculationFlags, withDtype, withSpeculation } from '../options/groups'
import { integer, memorySize } from '../options/parse'
import { endOverdue } from '../overdue'
import { announce, changeLine, startOf } from '../serving/told'
import { duration } from '../terminal'
import { useTuned } from '../tuned'

interface ServeFlags extends DtypeFlags, SpeculationFlags {
  model: string
  draft?: string
  learn?: boolean
  draftsBelow?: string
  draftKeys?: string[]
  name?: string
  host: string
  port: number
  apiKey?: string
  apiKeys?: string
  requestsPerKey?: number
  maxLogprobs: number
  metricsPort?: number
  logFormat: 'text' | 'json' | 'none'
  page: boolean
  corsOrigin?: string[]
  concurrency: number
  maxStepMs: number
  prefixCacheMib: number
  maxMemory?: number
  sharePrefixes?: boolean
  queue: number
  maxChoices: number
  context?: number
  maxBody: number
  grace: number
  warmUp: boolean
  verbose?: boolean
}

export const addServe: AddCommand = (program, run) => {
  const command = program
    .command('serve')
    .summary('a model over HTTP, as the OpenAI API has it')
    .description(
      'Answers /v1/chat/completions, /v1/completions, /v1/responses, /v1/embeddings and /v1/models as OpenAI and vLLM do, streaming or whole; /health, /ready and /metrics (Prometheus) for those who run it; / is a page to chat by. Requests are decoded together, in one batch. With a draft it is chosen in every step for whom is drafted, and how far, so that all together get the most tokens a second; responses say in metrics.speculative_decoding what that gained.',
    )
    .requiredOption('--model <dir>', `the model: ${modelSource}`)
    .addOption(new DraftOption())
    .option(
      '--learn',
      'with lookup: answers go into the table, whoever asked, and are drafted from for all. No answer changes, but how fast one comes may tell what others were answered',
    )
    .option(
      '--drafts-below <dir>',
      'drafts that may take the place of --draft while it runs: POST /admin/draft {"draft": "a path in this folder"}, or null for none; with a key only',
    )
    .option(
      '--draft-keys <name...>',
      'with --api-keys: the names of those that may change the draft (default: the only key there is)',
    )
    .option('--name <name>', 'what clients call the model (default: the last part of --model)')
    .option('--host <address>', 'where to listen; other machines reach 0.0.0.0', '127.0.0.1')
    .option('--port <n>', '0 for any that is free', port, 8000)
    .addOption(new Option('--api-key <key>', 'what clients must send as Bearer').env('OUTRIDER_API_KEY').argParser(key))
    .option('--api-keys <file>', 'several of them: a line for each, "name key"; logs and metrics show the names')
    .option(
      '--requests-per-key <n>',
      'the most requests of one key that run or wait; one more gets 429 (default: as many as fit)',
      integer({ least: 1 }),
    )
    .option('--cors-origin <origin...>', 'pages of browsers that may ask, or *')
    .option('--concurrency <n>', 'the most requests decoded at once', integer({ least: 1 }), 16)
    .option(
      '--max-step-ms <n>',
      'milliseconds that a long prompt may hold up those who are being answered, at a time: it is read in pieces of 64 tokens and more between their tokens',
      integer({ least: 1 }),
      50,
    )
    .option(
      '--prefix-cache-mib <n>',
      'MiB of the device for what prompts begin with (system messages, earlier turns): what begins so reads only what is new; 0 keeps nothing',
      integer(),
      defaultPrefixBytes / 2 ** 20,
    )
    .option(
      '--max-memory <size>',
      'the most of the device that is taken, such as 12GiB: weights, keys and values, what prompts begin with. A request waits until the most that it can take is free; one that can never have it is refused (default: no bound)',
      memorySize,
    )
    .option(
      '--share-prefixes',
      'share these between keys too: how fast an answer comes tells whether anybody has asked what begins so',
    )
    .option('--queue <n>', 'the most requests that wait; one more gets 429 and Retry-After', integer(), 128)
    .option('--max-choices <n>', 'the most answers to one prompt of a request (n)', integer({ least: 1 }), 16)
    .option(
      '--context <n>',
      "the most tokens of a request, with its answer (default: the model's)",
      integer({ least: 2 }),
    )
    .option('--max-logprobs <n>', 'the most of the likeliest tokens told for a place', integer(), 20)
    .option('--max-body <bytes>', 'the largest body of a request', integer({ least: 1 }), 1 << 20)
    .option(
      '--grace <seconds>',
      'the longest that running requests have for their end when it is stopped',
      integer(),
      5,
    )
    .option('--metrics-port <n>', 'a port for /metrics, /health and /ready alone, which ask for no key there', port)
    .addOption(
      new Option('--log-format <format>', 'how each request is told of on standard error, when its answer has ended')
        .choices(['text', 'json', 'none'])
        .default('text'),
    )
    .option('--no-page', 'leave out the page at /')
    .option('--no-warm-up', 'listen at once, and compile when the first requests come')
  withOutput(withExamples(withDtype(withSpeculation(command), { draft: true }), examples))
  command.action((flags: ServeFlags) => run((context) => serve(context, flags), command))
}

const examples: [does: string, line: string][] = [
  ['A chat model with its draft, for this machine', 'outrider serve --model ./model --draft ./draft'],
  [
    'Without a draft: what a conversation repeats is looked up, and nothing of one client is used for another',
    'outrider serve --model ./model --draft lookup',
  ],
  [
    'Ask it, streaming',
    `curl -N localhost:8000/v1/chat/completions -H 'content-type: application/json' -d '{"messages":[{"role":"user","content":"Hello!"}],"stream":true}'`,
  ],
  [
    'From a program, with the official client',
    "new OpenAI({ baseURL: 'http://localhost:8000/v1', apiKey: 'none' }).chat.completions.create({ … })",
  ],
  [
    'For the network, with a key that the list of processes does not show',
    'OUTRIDER_API_KEY=secret outrider serve --model ./model --host 0.0.0.0',
  ],
]

const withOutput = (command: Command): Command =>
  command
    .option('--json', 'print one JSON object a line: when it listens, and when it has ended')
    .option('--verbose', 'print the stack of an error')

async function serve(context: Context, flags: ServeFlags): Promise<object> {
  let longest = startMilliseconds
  const stopped = endOverdue(
    context.signal,
    () => longest,
    () => context.destroyDevice(),
  )
  try {
    return await serveUntilStopped(context, flags, () => {
      longest = 1000 * flags.grace + endMilliseconds
    })
  } finally {
    stopped()
  }
}

/** What a start that is broken off may take to stop: it stops between two kernels, or two parts of a file. */
const startMilliseconds = 3000
/** What the end may take after the grace: of the device, and of readers. */
const endMilliseconds = 4000

async function serveUntilStopped(context: Context, flags: ServeFlags, onListening: () => void): Promise<object> {
  const { terminal, signal } = context
  const drafts = await draftsOf(flags)
  if (flags.maxMemory !== undefined) context.boundMemory(flags.maxMemory)
  await useTuned(context)
  const target = await openModel(context, flags.model, 'model', flags)
  const draft = await openDraftOf(context, flags, target)
  const learning = await learningOf(context, { learn: flags.learn, draft, target, inputs: { '--model': flags.model } })
  const advice = new LookupAdvice(target, { draft })
  const began = performance.now()
  const apiKeys = flags.apiKeys === undefined ? undefined : await readApiKeys(flags.apiKeys)
  const { startServer, logLine } = await import('@outrider/server/node') // the libraries of a server: other commands do without them
  const progress = flags.warmUp ? terminal.progress({ label: 'warm up', total: 100, unit: '%' }) : undefined
  const server = await startServer({
    target,
    drafter: draft && drafterOf({ ...draft, answers: learning?.answers ?? draft.answers }, flags),
    // What others were answered meanwhile must not matter where the same answer is expected again.
    reproducibleDrafter: learning && draft && drafterOf({ ...draft, answers: undefined }, flags),
    draftName: flags.draft && draftName(flags.draft),
    loadDraft: drafts && draftLoader(context, { drafts, target, learning, flags }),
    draftKeys: flags.draftKeys,
    onDraftUnused: () => draft?.model?.dispose(),
    onDraftChange: (change) => {
      if (flags.logFormat !== 'none') terminal.warn(changeLine(change, flags.logFormat))
    },
    onAnswer(answer) {
      learning?.add(answer.tokens)
      const advised = advice.after(answer)
      if (advised) terminal.note(`${advised.what}: ${advised.flag}`)
    },
    name: flags.name ?? nameOf(flags.model),
    host: flags.host,
    port: flags.port,
    draftLength: flags.draftLength,
    draftStop: flags.draftStop,
    verification: flags.verification,
    concurrency: flags.concurrency,
    maxStepMilliseconds: flags.maxStepMs,
    prefixCacheBytes: flags.prefixCacheMib * 2 ** 20,
    maxMemoryBytes: flags.maxMemory,
    sharePrefixes: flags.sharePrefixes,
    queueLimit: flags.queue,
    maxChoices: flags.maxChoices,
    contextLength: flags.context,
    apiKey: flags.apiKey,
    apiKeys,
    requestsPerKey: flags.requestsPerKey,
    maxLogprobs: flags.maxLogprobs,
    metricsPort: flags.metricsPort,
    page: flags.page,
    ...(flags.logFormat !== 'none' && {
      onRequest: (entry) => terminal.warn(flags.logFormat === 'json' ? JSON.stringify(entry) : logLine(entry)),
    }),
    corsOrigins: (flags.corsOrigin ?? []).flatMap((origins) => origins.split(',')).map((origin) => origin.trim()),
    maxBodyBytes: flags.maxBody,
    graceMilliseconds: 1000 * flags.grace,
    warmUp: flags.warmUp,
    onWarmUp: (share) => progress?.update(Math.round(100 * share)),
    onError: (error) => terminal.warn(errorText(error, { verbose: flags.verbose ?? false, style: terminal.noteStyle })),
    signal,
  })
  onListening()
  terminal.endProgress()
  const device = await context.device()
  const start = { ...startOf(server, flags, target), adapter: adapterLabel(device) }
  announce(context, start)
  if (!server.loopbackOnly && !start.api_key)
    terminal.warn(
      terminal.noteStyle.yellow('Everybody who reaches this machine may ask: no --api-key or --api-keys is set.'),
    )

  const lost = await Promise.race([device.lost, aborted(signal)])
  await server.close()
  await learning?.save()
  if (lost) throw lost
  const { requests, promptTokens, generationTokens, rejected } = server.figures()
  const seconds = (performance.now() - began) / 1000
  terminal.note(`${requests} requests, ${generationTokens} tokens generated in ${duration(seconds)}.`)
  return {
    event: 'stopped',
    requests,
    rejected,
    prompt_tokens: promptTokens,
    generation_tokens: generationTokens,
    seconds,
  }
}

/** The folder of drafts that may take the place of the one it begins with; before anything is loaded. */
async function draftsOf({ draftsBelow: folder, apiKey, apiKeys }: ServeFlags): Promise<DraftsBelow | undefined> {
  if (folder === undefined) return undefined
  if (apiKey === undefined && apiKeys === undefined)
    throw new OutriderError(
      'INVALID_ARGUMENT',
      '--drafts-below lets clients change the draft, and the server asks for no key.',
      {
        remedy: 'Set OUTRIDER_API_KEY, --api-key or --api-keys.',
      },
    )
  return draftsBelow(folder)
}

/** Resolves when Ctrl-C or a signal asks to end. */
const aborted = (signal: AbortSignal): Promise<undefined> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve(undefined)
    signal.addEventListener('abort', () => resolve(undefined), { once: true })
  })

/** `./models/tiny-chat/` → `tiny-chat`, `model.q8_0.gguf` → `model.q8_0`. */
const nameOf = (path: string): string => basename(path.replace(/[/\\]+$/, '')).replace(/\.gguf$/i, '') || 'model'

function port(text: string): number {
  const value = integer()(text)
  if (value <= 65_535) return value
  throw new InvalidArgumentError('It must be at most 65535.')
}

function key(text: string): string {
  if (text.trim() !== '') return text.trim()
  throw new InvalidArgumentError('It must not be empty.')
}

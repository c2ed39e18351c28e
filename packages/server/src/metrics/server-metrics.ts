import type { Block } from '@outrider/speculative'
import type { Device } from '@outrider/tensor'
import type { PrefixCache } from '@outrider/transformer'
import type { Job } from '../engine/job'
import { Counter, Gauge, Histogram, type Labels, type Metric } from './prometheus'

export interface ServerMetricsOptions {
  model: string
  device: Device
  /** The longest draft, for the positions that are counted; 0 without a draft. */
  longestDraft: number
  /** What is kept of prompts, if anything is. */
  prefixes?: PrefixCache | undefined
  /** What may be taken of the device, where it is bounded. */
  maxMemoryBytes?: number | undefined
  /** Seconds. Default the system's monotonic clock. */
  now?: () => number
}

/** What a server does, and has done in all. */
export interface ServerFigures {
  /** Requests being decoded. */
  running: number
  /** Requests that wait to be decoded. */
  waiting: number
  /** Requests that ended, however they did. */
  requests: number
  /** Requests refused because the queue was full. */
  rejected: number
  promptTokens: number
  generationTokens: number
}

/** Of all, or with the label `drafter`: 'prompt', 'answers', 'model', or what a drafter of one's own calls itself. */
interface DraftCounters {
  drafts: Counter
  drafted: Counter
  accepted: Counter
}

const seconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160, 640]
const tokenCounts = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000]
const tokenSeconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 1, 2.5, 5]

/** What `/metrics` says, under vLLM's names so that its dashboards work; what vLLM has no name for begins with `outrider:`. */
export class ServerMetrics {
  readonly now: () => number
  /** Jobs decoded and waiting. Set by the engine. */
  load: () => { running: number; waiting: number } = () => ({ running: 0, waiting: 0 })
  /** Requests that have come with each key and have not been answered, by the keys' names. Set by who asks for keys. */
  openByKey: () => ReadonlyMap<string, number> = () => new Map()
  /** The draft that requests begin with, and how often it was changed. Set by whoever changes it. */
  draft: () => { draft: string | null; count: number } = () => ({ draft: null, count: 0 })
  readonly #metrics: Metric[] = []
  readonly #labels: Labels
  readonly #prompt: Counter
  readonly #generation: Counter
  readonly #finished: Counter
  readonly #rejected: Counter
  readonly #firstToken: Histogram
  readonly #betweenTokens: Histogram
  readonly #whole: Histogram
  readonly #queue: Histogram
  readonly #prefill: Histogram
  readonly #decode: Histogram
  readonly #promptSize: Histogram
  readonly #answerSize: Histogram
  readonly #prefixes: { queries: Counter; hits: Counter } | undefined
  readonly #speculation: (DraftCounters & { byPosition: Counter; byDrafter: DraftCounters }) | undefined

  constructor({
    model,
    device,
    longestDraft,
    prefixes,
    maxMemoryBytes,
    now = () => performance.now() / 1000,
  }: ServerMetricsOptions) {
    this.now = now
    this.#labels = { model_name: model, engine: '0' }
    const reasons = ['stop', 'length', 'abort', 'error'].map((finished_reason) => ({ finished_reason }))
    this.#gauge('vllm:num_requests_running', 'Requests being decoded.', () => this.load().running)
    this.#gauge('vllm:num_requests_waiting', 'Requests that wait to be decoded.', () => this.load().waiting)
    this.#prompt = this.#counter('vllm:prompt_tokens_total', 'Tokens of prompts read.')
    this.#generation = this.#counter('vllm:generation_tokens_total', 'Tokens generated.')
    this.#finished = this.#counter('vllm:request_success_total', 'Requests that ended, by why they did.', reasons)
    this.#firstToken = this.#histogram(
      'vllm:time_to_first_token_seconds',
      'From the request to its first token.',
      seconds,
    )
    this.#betweenTokens = this.#histogram(
      'vllm:inter_token_latency_seconds',
      'Between tokens, or of each token of a block.',
      tokenSeconds,
    )
    this.#whole = this.#histogram('vllm:e2e_request_latency_seconds', 'From the request to its end.', seconds)
    this.#queue = this.#histogram('vllm:request_queue_time_seconds', 'From the request to when its turn came.', seconds)
    this.#prefill = this.#histogram('vllm:request_prefill_time_seconds', 'From its turn to its first token.', seconds)
    this.#decode = this.#histogram('vllm:request_decode_time_seconds', 'From its first token to its last.', seconds)
    this.#promptSize = this.#histogram('vllm:request_prompt_tokens', 'Tokens of the prompt.', tokenCounts)
    this.#answerSize = this.#histogram('vllm:request_generation_tokens', 'Tokens of the answer.', tokenCounts)
    this.#rejected = this.#counter('outrider:requests_rejected_total', 'Requests refused because the queue was full.')
    this.#gauge('outrider:key_requests_open', 'Requests of a key that have not been answered.', () =>
      [...this.openByKey()].map(([key, open]) => [{ key }, open]),
    )
    this.#gauge('outrider:device_live_bytes', 'Bytes of tensors on the device.', () => device.memory.liveBytes)
    this.#gauge(
      'outrider:device_held_bytes',
      'Bytes of buffers, with those kept for reuse.',
      () => device.memory.heldBytes,
    )
    if (maxMemoryBytes !== undefined)
      this.#gauge('outrider:device_limit_bytes', 'The most bytes of the device that are taken.', () => maxMemoryBytes)
    this.#gauge(
      'outrider:compiled_kernels',
      'Kernels compiled; a warm server compiles no more.',
      () => device.counters.pipelines,
    )
    if (prefixes) {
      this.#prefixes = {
        queries: this.#counter('vllm:prefix_cache_queries_total', 'Tokens of prompts that were looked up.'),
        hits: this.#counter('vllm:prefix_cache_hits_total', 'Tokens of prompts that did not have to be read.'),
      }
      this.#gauge('outrider:prefix_cache_bytes', 'Memory that beginnings of prompts take.', () => prefixes.bytes)
    }
    if (longestDraft > 0) {
      this.#gauge('outrider:draft_info', 'The draft that requests begin with, 1 for the one that runs.', () => {
        const { draft } = this.draft()
        return draft === null ? [] : [[{ draft }, 1]]
      })
      this.#gauge('outrider:draft_changes', 'Times that another draft was put in place.', () => this.draft().count)
    }
    const positions = Array.from({ length: longestDraft }, (_, position) => ({ position: String(position) }))
    const spec = 'vllm:spec_decode_num'
    if (longestDraft > 0)
      this.#speculation = {
        drafts: this.#counter(`${spec}_drafts_total`, 'Blocks in which something was drafted.'),
        drafted: this.#counter(`${spec}_draft_tokens_total`, 'Tokens drafted.'),
        accepted: this.#counter(`${spec}_accepted_tokens_total`, 'Drafted tokens accepted.'),
        byPosition: this.#counter(
          `${spec}_accepted_tokens_per_pos_total`,
          'Drafted tokens accepted, by their position in the block.',
          positions,
        ),
        byDrafter: {
          drafts: this.#counter('outrider:drafts_total', 'Blocks, by who drafted them.', []),
          drafted: this.#counter('outrider:draft_tokens_total', 'Tokens drafted, by who drafted them.', []),
          accepted: this.#counter(
            'outrider:accepted_tokens_total',
            'Drafted tokens accepted, by who drafted them.',
            [],
          ),
        },
      }
  }

  rejected(): void {
    this.#rejected.add(1)
  }

  started(job: Job): void {
    this.#prompt.add(job.request.prompt.length)
    this.#promptSize.observe(job.request.prompt.length)
    this.#queue.observe(job.started! - job.submitted)
  }

  /** Some tokens of a job have come. */
  generated(job: Job, tokens: number): void {
    const now = this.now()
    this.#generation.add(tokens)
    if (job.firstToken === undefined) {
      job.firstToken = now
      this.#firstToken.observe(now - job.submitted)
      this.#prefill.observe(now - job.started!)
      this.#prefixes?.queries.add(job.request.prompt.length)
      this.#prefixes?.hits.add(job.cachedTokens)
    } else {
      for (let i = 0; i < tokens; i++) this.#betweenTokens.observe((now - job.lastToken!) / tokens)
    }
    job.lastToken = now
  }

  drafted({ drafted, accepted, drafter = 'model' }: Pick<Block, 'drafted' | 'accepted' | 'drafter'>): void {
    const spec = this.#speculation
    if (!spec) return
    for (const [counters, labels] of [
      [spec, {}],
      [spec.byDrafter, { drafter }],
    ] as const) {
      counters.drafts.add(1, labels)
      counters.drafted.add(drafted, labels)
      counters.accepted.add(accepted, labels)
    }
    for (let position = 0; position < accepted; position++) spec.byPosition.add(1, { position: String(position) })
  }

  ended(job: Job): void {
    const reason = job.ending?.finishReason ?? (job.state === 'aborted' ? 'abort' : 'error')
    this.#finished.add(1, { finished_reason: reason })
    if (!job.ending) return
    this.#whole.observe(this.now() - job.submitted)
    this.#decode.observe(job.lastToken! - job.firstToken!)
    this.#answerSize.observe(job.tokens)
  }

  figures(): ServerFigures {
    return {
      ...this.load(),
      requests: this.#finished.total,
      promptTokens: this.#prompt.total,
      generationTokens: this.#generation.total,
      rejected: this.#rejected.total,
    }
  }

  render(): string {
    return this.#metrics.map((metric) => metric.render()).join('')
  }

  #counter(name: string, help: string, initial?: readonly Labels[]): Counter {
    return this.#add(new Counter(name, help, this.#labels, initial && { initial }))
  }

  #gauge(name: string, help: string, read: ConstructorParameters<typeof Gauge>[3]): Gauge {
    return this.#add(new Gauge(name, help, this.#labels, read))
  }

  #histogram(name: string, help: string, bounds: readonly number[]): Histogram {
    return this.#add(new Histogram(name, help, this.#labels, bounds))
  }

  #add<M extends Metric>(metric: M): M {
    this.#metrics.push(metric)
    return metric
  }
}

import { ApiError, queueFull } from '../api-error'
import type { ServerMetrics } from '../metrics/server-metrics'
import type { GenerationRequest } from '../requests/generation-request'
import type { Decoding } from './decoding'
import { Job, type JobObserver } from './job'

export interface EngineOptions {
  /** Jobs that come before it is ready wait. */
  decoding: Decoding | Promise<Decoding>
  /** The most jobs decoded at once. */
  concurrency: number
  /** The most jobs that wait. */
  queueLimit: number
  metrics: ServerMetrics
}

/**
 * Takes jobs in the order in which they come, decodes up to `concurrency` of them together.
 * It computes only while there is a job.
 */
export class Engine {
  readonly #options: EngineOptions
  readonly #waiting: Job[] = []
  readonly #running = new Set<Job>()
  /** Jobs that ended before their answers did; let go of between two steps. */
  readonly #leaving: Job[] = []
  readonly #observer: JobObserver
  #loop: Promise<void> | undefined
  /** Once it is ready. */
  #decoding: Decoding | undefined
  /** Why nothing new is taken. */
  #closed: ApiError | undefined
  /** A job's seconds from its start to its end, on average; older jobs count less. */
  #secondsPerJob = 1

  constructor(options: EngineOptions) {
    this.#options = options
    const { metrics } = options
    metrics.load = () => ({ running: this.#running.size, waiting: this.#waiting.length })
    this.#observer = { added: (job, tokens) => metrics.generated(job, tokens), ended: (job) => this.#ended(job) }
  }

  get running(): number {
    return this.#running.size
  }

  get waiting(): number {
    return this.#waiting.length
  }

  /** Why new jobs are refused, if they are. */
  get closed(): ApiError | undefined {
    return this.#closed
  }

  /**
   * Queues a job.
   *
   * @throws ApiError 429 where the queue is full, 503 where the engine is closed; 400 for a job that there can never be the memory for
   */
  submit(request: GenerationRequest): Job {
    if (this.#closed) throw this.#closed
    const { queueLimit, concurrency, metrics } = this.#options
    if (this.#running.size + this.#waiting.length >= concurrency + queueLimit) {
      metrics.rejected()
      throw queueFull(queueLimit, this.#retryAfter())
    }
    const refusal = this.#decoding?.refusal?.(request)
    if (refusal) throw refusal
    const job = new Job(request, metrics.now(), this.#observer)
    this.#waiting.push(job)
    this.#loop ??= this.#run()
    return job
  }

  /** Takes nothing new, refuses what waits, and resolves when what runs is finished. */
  async drain(): Promise<void> {
    this.#closed ??= new ApiError(503, 'The server is stopping.', {
      type: 'server_error',
      code: 'stopping',
      headers: { 'retry-after': '5', connection: 'close' },
    })
    for (const job of [...this.#waiting]) job.fail(this.#closed)
    await this.#loop
  }

  /** Fails what still runs after `drain`. */
  breakOff(): void {
    if (this.#closed) this.close(this.#closed)
  }

  /** Fails everything: the device is gone. */
  close(error: ApiError): void {
    this.#closed = error
    for (const job of [...this.#waiting, ...this.#running]) job.fail(error)
  }

  async #run(): Promise<void> {
    try {
      const decoding = await this.#options.decoding
      this.#decoding = decoding
      while (this.#waiting.length + this.#running.size + this.#leaving.length > 0) {
        // Devices answer so fast at times that sockets would wait for a long answer to end.
        await nextTurn()
        for (const job of this.#leaving.splice(0)) await decoding.drop(job)
        this.#admit(decoding)
        await decoding.step()
      }
    } catch (error) {
      for (const job of [...this.#waiting, ...this.#running]) job.fail(error)
    } finally {
      this.#loop = undefined
    }
  }

  /** In order: a job that does not fit yet is not overtaken. Where no other is there to wait for, it is tried. */
  #admit(decoding: Decoding): void {
    const { concurrency, metrics } = this.#options
    for (let job = this.#waiting[0]; job && this.#running.size < concurrency; job = this.#waiting[0]) {
      const refusal = decoding.refusal?.(job.request)
      if (refusal) {
        job.fail(refusal)
        continue
      }
      if (!decoding.fits(job.request) && decoding.count > 0) return
      this.#waiting.shift()
      this.#running.add(job)
      job.state = 'running'
      job.started = metrics.now()
      metrics.started(job)
      try {
        decoding.begin(job)
      } catch (error) {
        job.fail(error)
      }
    }
  }

  #ended(job: Job): void {
    const { metrics } = this.#options
    const at = this.#waiting.indexOf(job)
    if (at >= 0) this.#waiting.splice(at, 1)
    const ran = this.#running.delete(job)
    if (ran && job.state !== 'finished') this.#leaving.push(job)
    if (job.started !== undefined) this.#secondsPerJob += (metrics.now() - job.started - this.#secondsPerJob) / 8
    metrics.ended(job)
  }

  /** Seconds until there is room in the queue, about. */
  #retryAfter(): number {
    const { concurrency } = this.#options
    return Math.min(60, Math.max(1, Math.ceil(this.#secondsPerJob / concurrency)))
  }
}

/** A turn of the event loop; pages have no setImmediate, and no sockets either that a timer would hold up. */
const nextTurn = () => new Promise<void>((resolve) => void (globalThis.setImmediate ?? setTimeout)(resolve))

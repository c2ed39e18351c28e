import type { GenerationRequest } from '../requests/generation-request'
import type { Decoding } from './decoding'
import type { Job } from './job'
import type { PreparedDecoding } from './prepare-decoding'

/** Runs something that wants the device for itself, when its turn has come. */
export type InTurn = <Result>(work: () => Promise<Result>) => Promise<Result>

/**
 * A way of decoding after another: jobs that have begun go on in the way that they began in, those that begin take the newest. Two
 * ways are there at most; the former is disposed of with its last job.
 */
export class SuccessiveDecodings implements Decoding {
  #current: PreparedDecoding
  #former: PreparedDecoding | undefined
  #stepping = false
  readonly #inTurn: InTurn
  readonly #onIdle: () => void

  /**
   * @param inTurn  what a step waits for
   * @param onIdle  told when it has no jobs
   */
  constructor(first: PreparedDecoding, inTurn: InTurn, onIdle: () => void = () => {}) {
    this.#current = first
    this.#inTurn = inTurn
    this.#onIdle = onIdle
  }

  get count(): number {
    return this.#current.decoding.count + this.formerCount
  }

  /** Jobs of the former way; 0 where there is none. */
  get formerCount(): number {
    return this.#former?.decoding.count ?? 0
  }

  /** Whether the former way still has its memory. */
  get hasFormer(): boolean {
    return this.#former !== undefined
  }

  /** Decodes the jobs that begin from now on in another way. There must be no former one. */
  switchTo(next: PreparedDecoding): void {
    this.#former = this.#current
    this.#current = next
    this.#endFormer()
  }

  fits(request: GenerationRequest): boolean {
    return this.#current.decoding.fits(request)
  }

  growth(request?: GenerationRequest): number {
    return this.#current.decoding.growth(request)
  }

  refusal(request: GenerationRequest): Error | undefined {
    return this.#current.decoding.refusal?.(request)
  }

  trim(): void {
    for (const prepared of [this.#former, this.#current]) prepared?.decoding.trim()
  }

  begin(job: Job): void {
    this.#current.decoding.begin(job)
  }

  async step(): Promise<void> {
    this.#stepping = true
    try {
      await this.#inTurn(async () => {
        for (const prepared of [this.#former, this.#current])
          if (prepared?.decoding.count) await prepared.decoding.step()
      })
    } finally {
      this.#stepping = false
      this.#endFormer()
    }
  }

  async drop(job: Job): Promise<void> {
    for (const prepared of [this.#former, this.#current]) await prepared?.decoding.drop(job)
    this.#endFormer()
  }

  dispose(): void {
    this.#former?.dispose()
    this.#former = undefined
    this.#current.dispose()
  }

  #endFormer(): void {
    if (this.#stepping) return
    if (this.#former && this.formerCount === 0) {
      this.#former.dispose()
      this.#former = undefined
    }
    if (this.count === 0) this.#onIdle()
  }
}

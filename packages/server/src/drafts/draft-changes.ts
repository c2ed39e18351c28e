import { OutriderError } from '@outrider/tensor'
import { ApiError } from '../api-error'
import type { Preparation, PreparedDecoding } from '../engine/prepare-decoding'
import type { SuccessiveDecodings } from '../engine/successive-decodings'
import type { LoadDraft } from './served-draft'

export interface DraftChangesOptions {
  /** The draft that the server begins with, by name. */
  draft: { name: string } | undefined
  /** Absent: drafts stay as they are. */
  load: LoadDraft | undefined
  prepare: (preparation: Preparation) => Promise<PreparedDecoding>
  decodings: Promise<SuccessiveDecodings>
  /** The longest that a change may take. */
  limitMilliseconds: number
  /** Fires when the server closes. */
  closing: AbortSignal
  /** Told of each change, when the new draft is in use. */
  onChange: (change: DraftChange) => void
}

/** A draft was put in the place of another; null is none. */
export interface DraftChange {
  draft: string | null
  former: string | null
  /** Requests that go on with the former draft. */
  requestsWithFormer: number
  loadSeconds: number
  /** Compiling, and measuring what its steps cost. */
  prepareSeconds: number
}

/** What a draft that is being put in place is at. */
export interface ChangeUnderway {
  draft: string | null
  phase: 'loading' | 'preparing'
  /** Of the compiling, from 0 to 1. */
  share: number
  seconds: number
}

/**
 * Puts another draft in the place of the one that runs, while it runs. The new one is loaded, checked, compiled for and measured beside
 * the old one; then requests that begin have the new one, those that run go on with theirs, and the memory of the old one is freed
 * with the last of them. One change at a time; what fails leaves everything as it was.
 */
export class DraftChanges {
  readonly #options: DraftChangesOptions
  #draft: string | null
  #underway: Omit<ChangeUnderway, 'seconds'> | undefined
  #since = 0
  #changes = 0
  #former: string | null = null
  #decodings: SuccessiveDecodings | undefined
  #last: Promise<unknown> = Promise.resolve()

  constructor(options: DraftChangesOptions) {
    this.#options = options
    this.#draft = options.draft?.name ?? null
    options.decodings.then(
      (decodings) => (this.#decodings = decodings),
      () => {},
    )
  }

  /** Whether drafts can be changed. */
  get possible(): boolean {
    return this.#options.load !== undefined
  }

  /** The draft that requests begin with now; null where there is none. */
  get draft(): string | null {
    return this.#draft
  }

  /** Changes that were made. */
  get count(): number {
    return this.#changes
  }

  get underway(): ChangeUnderway | null {
    return this.#underway ? { ...this.#underway, seconds: (performance.now() - this.#since) / 1000 } : null
  }

  /** The draft before, as long as requests go on with it. */
  get former(): { draft: string | null; requests: number } | null {
    return this.#decodings?.hasFormer ? { draft: this.#former, requests: this.#decodings.formerCount } : null
  }

  /**
   * Resolves when requests that begin have the draft of this name, or with null none.
   *
   * @param signal  of who asked: then the change is given up
   * @throws ApiError 409 while another change goes on, or requests go on with the draft before; 404, 400, 507 where the draft is not
   *   there, is refused, or there is no memory for it; 503 where it took too long, or the server stops
   */
  change(name: string | null, signal: AbortSignal): Promise<DraftChange> {
    if (this.#underway) throw underwayAlready(this.#underway.draft)
    const { former } = this
    if (former) throw formerInUse(former.requests)
    this.#underway = { draft: name, phase: 'loading', share: 0 }
    this.#since = performance.now()
    const change = this.#change(name, signal).finally(() => (this.#underway = undefined))
    this.#last = change.catch(() => {})
    return change
  }

  /** Resolves when no change goes on; none begins once `closing` has fired. */
  async settled(): Promise<void> {
    await this.#last
  }

  async #change(name: string | null, asked: AbortSignal): Promise<DraftChange> {
    const { decodings, limitMilliseconds, closing, onChange } = this.#options
    const late = AbortSignal.timeout(limitMilliseconds)
    const signal = AbortSignal.any([asked, closing, late])
    const began = performance.now()
    try {
      signal.throwIfAborted()
      const running = await decodings
      const loaded = name === null ? undefined : await this.#options.load!(name, { signal })
      const loadedAt = performance.now()
      this.#underway = { draft: name, phase: 'preparing', share: 0 }
      const onWarmUp = (share: number) => (this.#underway = { draft: name, phase: 'preparing', share })
      const prepared = await this.#options.prepare({ draft: loaded, onWarmUp, signal })
      running.switchTo(prepared)
      const change: DraftChange = {
        draft: name,
        former: this.#draft,
        requestsWithFormer: running.formerCount,
        loadSeconds: (loadedAt - began) / 1000,
        prepareSeconds: (performance.now() - loadedAt) / 1000,
      }
      this.#former = this.#draft
      this.#draft = name
      this.#changes++
      onChange(change)
      return change
    } catch (error) {
      if (closing.aborted) throw stopping()
      if (late.aborted && !asked.aborted) throw tookTooLong(limitMilliseconds)
      throw refused(error)
    }
  }
}

const underwayAlready = (draft: string | null): ApiError =>
  new ApiError(409, `Another change of the draft goes on, to ${nameOf(draft)}. Wait for its end.`, {
    code: 'draft_change_underway',
    headers: { 'retry-after': '5' },
  })

const formerInUse = (requests: number): ApiError =>
  new ApiError(
    409,
    `${requests === 1 ? 'One request goes' : `${requests} requests go`} on with the draft before this one, and three are not held at once. Try again when they have ended.`,
    { code: 'draft_in_use', headers: { 'retry-after': '5' } },
  )

const tookTooLong = (milliseconds: number): ApiError =>
  new ApiError(503, `The draft was not ready within ${milliseconds / 1000} seconds. The one that ran before runs on.`, {
    type: 'server_error',
    code: 'draft_timeout',
  })

const stopping = (): ApiError =>
  new ApiError(503, 'The server is stopping.', { type: 'server_error', code: 'stopping' })

/** What is wrong with a draft, for who named it; what is no fault of the draft stays as it is. */
function refused(error: unknown): unknown {
  if (!(error instanceof OutriderError)) return error
  switch (error.code) {
    case 'FILE_MISSING':
      return new ApiError(404, error.message, { param: 'draft', code: 'draft_not_found' })
    case 'OUT_OF_MEMORY':
    case 'DEVICE_LIMIT':
      return new ApiError(507, `There is no memory for the draft. ${error.message}`, {
        param: 'draft',
        code: 'draft_too_large',
      })
    case 'DEVICE_LOST':
    case 'ABORTED':
      return error
    default:
      return new ApiError(400, error.message, { param: 'draft', code: 'draft_refused' })
  }
}

const nameOf = (draft: string | null): string => (draft === null ? 'none' : JSON.stringify(draft))

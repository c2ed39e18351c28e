import type { Drafter, DraftStop, Verification } from '@outrider/speculative'
import type { CausalLM, PretrainedModel } from '@outrider/transformer'
import type { DraftChange } from './drafts/draft-changes'
import type { LoadDraft } from './drafts/served-draft'
import type { AnsweredTokens } from './engine/decoding'
import type { ApiKeys } from './operators/keys'
import type { RequestLogEntry } from './operators/request-log'

export interface ServerOptions {
  target: PretrainedModel<CausalLM>
  /** A small model of the same vocabulary, or anything else that drafts. */
  drafter?: PretrainedModel<CausalLM> | Drafter | undefined
  /**
   * What drafts for a request with a seed, whose answer is to come again: needed where `drafter` learns from answers. Default
   * `drafter`.
   */
  reproducibleDrafter?: PretrainedModel<CausalLM> | Drafter | undefined
  /** What the draft is called where it is told which one runs (`/metrics`, `/admin/draft`). Default 'draft'. */
  draftName?: string | undefined
  /**
   * Loads what `POST /admin/draft` names, to be put in the place of the draft while the server runs; its memory is freed once another is
   * in its place. It takes a key. Default: the draft stays.
   */
  loadDraft?: LoadDraft | undefined
  /** Names of the keys that may change the draft. Default the only one there is; of several none. */
  draftKeys?: readonly string[] | undefined
  /** The longest that a change of the draft may take. Default 600,000. */
  draftChangeMilliseconds?: number
  /** Told when another draft has taken the place of the one before. */
  onDraftChange?: ((change: DraftChange) => void) | undefined
  /** Called once `drafter` is used no more, another being in its place: it may be freed. Not called where the server closes before. */
  onDraftUnused?: (() => void) | undefined
  /** What clients call the model. Default 'model'. */
  name?: string
  /**
   * γ; 'auto' chooses in every step who speculates, and how far, by measured costs and acceptance; for a request with a seed by no
   * clock. Default 'auto'.
   */
  draftLength?: number | 'auto'
  /** Where drafts of a model end before their length; 'auto': where it pays by measured costs. Default nowhere. */
  draftStop?: DraftStop | 'auto' | undefined
  verification?: Verification
  /** The most requests decoded at once. Default 16. */
  concurrency?: number
  /**
   * Milliseconds that a step may take while a prompt is read beside those who are being answered, as far as pieces of 64 tokens allow.
   * Default 50.
   */
  maxStepMilliseconds?: number
  /**
   * The most memory of the device for what prompts begin with, so that others that begin so read only what is new; 0 keeps nothing. Default
   * 512 MiB. Answers have the same bits.
   */
  prefixCacheBytes?: number
  /**
   * What may be taken of the device, in bytes, all tensors together: weights, keys and values, what is kept of prompts, and what passes take
   * for a moment. A request waits until the most that it can take is there, and what is kept of prompts makes room for it; one that can
   * never have it is refused. A device that was made with `maxMemoryBytes` takes no more in any case. Default unbounded.
   */
  maxMemoryBytes?: number | undefined
  /**
   * Whether requests of all keys share beginnings of prompts. How fast an answer comes tells whether somebody has asked what begins so.
   * Default false: those of one key do.
   */
  sharePrefixes?: boolean | undefined
  /** The most requests that wait. Default 128. */
  queueLimit?: number
  /** The most tokens of a request, prompt and answer together. Default the model's context. */
  contextLength?: number | undefined
  /** The most of the likeliest tokens told for a place, of prompts and of answers. Default 20. */
  maxLogprobs?: number
  /** The most answers to one prompt of a request (`n`). Default 16. */
  maxChoices?: number
  /** What clients must send as Bearer. Without one, everybody who reaches the server may ask. */
  apiKey?: string | undefined
  /** Several of them by name, in place of `apiKey` or beside it; logs and metrics show names. */
  apiKeys?: ApiKeys | undefined
  /** The most requests of one key that may run or wait at once; one more gets 429. Default as many as fit. */
  requestsPerKey?: number | undefined
  /** Whether only names of this machine are answered where there is no key. Default false. */
  loopbackOnly?: boolean
  /** Origins of pages in browsers that may ask; '*' for all. Default none. */
  corsOrigins?: readonly string[]
  /** Whether `/` is a page to chat by, for everybody; what it asks takes a key where there is one. Default false. */
  page?: boolean
  /** Default 1 MiB. */
  maxBodyBytes?: number
  /** Milliseconds after which a reader that takes nothing is let go of. Default 60,000. */
  stallMilliseconds?: number
  /** Milliseconds that a stream waits for its first token before its head is sent, after which failures are events. Default 3000. */
  headMilliseconds?: number
  /** Milliseconds of silence in a stream after which a comment is sent. Default 15,000. */
  commentMilliseconds?: number
  /** Milliseconds that running requests have for their end when the server closes. Default 5000. */
  graceMilliseconds?: number
  /** Whether kernels are compiled before the first request. Default true. */
  warmUp?: boolean
  /** Told what share of the warm-up is done. */
  onWarmUp?: ((share: number) => void) | undefined
  /** Told of each answer that came to its end, of whichever client: what it is used for, others may notice. */
  onAnswer?: ((answer: AnsweredTokens) => void) | undefined
  /** Told of each request when its answer has ended; of `/health`, `/ready` and `/metrics` only where they fail. */
  onRequest?: ((entry: RequestLogEntry) => void) | undefined
  /** Told of errors that are the server's. */
  onError?: (error: unknown) => void
  /** Breaks off what comes before `ready`. */
  signal?: AbortSignal | undefined
}

import type { Device, Tensor } from '@outrider/tensor'
import type { CausalLM, LogitsProcessor, Prefixes, Sampling } from '@outrider/transformer'
import type { DraftStop } from './draft-stop'
import type { DraftsTogether } from './drafts-together'

/** What a drafter could draft next. Offers cost next to nothing; what is chosen is drafted, and nothing else. */
export interface Offer {
  /** Who drafts: 'prompt', 'answers', 'model', or any other name. Acceptance is counted by it. */
  source: string
  /** A class of the source's drafts that are accepted about as often, such as those after a match of so many tokens. */
  kind: string
  /** The most tokens, at least 1. */
  length: number
  /**
   * Of a drafter that runs a model: the tokens that the model has yet to read before it drafts, the last one among them. Left
   * out, the draft runs no model and costs no time.
   */
  unread?: number | undefined
  /** Whether the draft ends early where it is asked to (`DraftRequest.stop`). */
  stops?: boolean | undefined
  /** Whether one pass of the model drafts all of it, over what is unread and a row more for each further token. */
  parallel?: boolean | undefined
  /** Whether each of its tokens is drafted in one pass with those of other sequences that are as far (`SessionOptions.together`). */
  together?: boolean | undefined
  /** How likely each token is to be accepted, those before it accepted, as far as the drafter knows before any are counted. */
  acceptance?: readonly number[] | undefined
}

/** What is asked of a drafter for one block. */
export interface DraftRequest {
  /** Prompt and answer so far. */
  tokens: readonly number[]
  /** The most tokens to draft, at least 1. */
  draftLength: number
  /** Which of the session's offers for these tokens is taken. Left out, the first that comes to something. */
  offer?: Offer | undefined
  /**
   * Where the draft is to end before its length, of an offer that `stops`; null: nowhere, whatever the drafter's own stop is, so
   * that what its steps cost can be measured.
   */
  stop?: DraftStop | null | undefined
  /**
   * Whether the device leaves out the steps of a model behind the end of a draft that stops. It changes no token: it pays where a
   * step takes longer than queueing it in vain (`StepCosts.skippedSeconds`). Default true.
   */
  skips?: boolean | undefined
  /** How probabilities are made of logits, in all requests of a session; the target's are made in the same way. */
  sampling: Sampling
  /**
   * What is done to logits before that, given the tokens before (`LogitsProcessor.draft`), in all requests of a session; the target's
   * have the same done to them. A drafter that does nothing is as exact, and accepted less often.
   */
  processor?: LogitsProcessor | undefined
  /** Random numbers for draft token i come from `philox(sampling.seed, offset + i)` and no others. */
  offset: number
}

/** A drafted continuation: drawn on the device, or known without a draw. */
export type Draft = DrawnDraft | KnownDraft

/** A continuation that was drawn, on the device. It belongs to the scope in which it was drafted. */
export interface DrawnDraft {
  /** The drafted ids, u32 [n]. */
  tokens: Tensor
  /**
   * p, f32 [n, V]: row i is the very distribution that token i was drawn from, given the tokens before it. Left out where p is 1 for
   * each of the tokens, as where the likeliest was taken.
   */
  probabilities?: Tensor | undefined
  /**
   * How many of the tokens are proposed, u32 [1], where the draft may end before its rows do; without it all. What lies behind is
   * neither verified nor counted. It may depend on the proposed tokens, never on one that is not: a token that is drawn and then
   * withheld because of what it is changes the distribution.
   */
  count?: Tensor | undefined
  /** Whether they are the session's own, to be written again by later drafts. Else they belong to the scope of the call. */
  lasting?: boolean
  /** The n ids on the host, where it knows them; those that are not proposed are anything. */
  known?: readonly number[] | undefined
}

/** A continuation that was not drawn, as what stands elsewhere in a text: p is 1 for each of its tokens. */
export interface KnownDraft {
  /** The drafted ids, at least one. */
  ids: readonly number[]
}

/** Names the memory that a draft lies in. */
export const memoryOf = ({
  tokens,
  probabilities,
  count,
}: Pick<DrawnDraft, 'tokens' | 'count' | 'probabilities'>): string =>
  [tokens, probabilities, count].map((tensor) => tensor?.storage.id).join()

/** A drafter's work on one sequence. */
export interface DraftSession {
  /**
   * What it could draft after these tokens, the best first: none where it has nothing to say, or no room. At most `limit`
   * tokens each. Left out, it is asked for drafts of any length (`offersOf`).
   */
  offers?(tokens: readonly number[], limit: number): readonly Offer[]
  /**
   * Reads a prompt ahead, up to about a place, so that its first draft does not hold up others. What is drafted has the same bits.
   * Left out, the first draft reads all.
   */
  read?(tokens: readonly number[], place: number): void
  /**
   * Drafts up to `draftLength` tokens; fewer, or null, where it has nothing to say or no room. Synchronous: ids stay on
   * the device. How many are drafted may depend on the tokens before, not on those drawn; for that there is `Draft.count`.
   */
  draft(request: DraftRequest): Draft | null
  /**
   * The same where the request's processor has a constraint: each token is drawn from what is allowed behind those before it
   * (`LogitsProcessor.maskBehind`), for which each is waited for. What is drafted is `lasting`. Undefined, as where it is left out: `draft`
   * is to be asked.
   */
  draftConstrained?(request: DraftRequest): Promise<DrawnDraft | null> | undefined
  /**
   * Called after each draft, once it is verified: the sequence keeps this many tokens of the request and the draft. The next
   * request has at least one more, which the target said.
   *
   * @param proposed  how many of the drafted tokens were proposed; left out, all
   */
  keep(length: number, proposed?: number): void
  /**
   * Frees what a later draft can make again, at a cost of time: called after `keep`, where memory is short. Left out, there is nothing.
   */
  trim?(): void
  /** Frees the session's memory. */
  dispose(): void
}

export interface SessionOptions {
  device: Device
  /** V: columns of p, the target's vocabulary. */
  vocabularySize: number
  /** Tokens that the sequence may grow to. */
  capacity: number
  /** What is known of beginnings of texts: of a drafter that runs a model, which reads only what is new. It changes no draft. */
  prefixes?: Prefixes | undefined
  /** Of a batch: what is asked of a session may be put off until all sessions have been asked, and made together with theirs. */
  together?: DraftsTogether | undefined
}

/** Whatever can propose tokens: a small model, n-grams of the prompt, or an engine's own. */
export interface Drafter {
  /** For people. The source of its drafts, where its sessions make no offers. */
  readonly name: string
  /** For the memory-bound speed-up; 0 for a drafter without a model. */
  readonly parameterCount: number
  /** The models that it runs, of whose prompts keys and values may be kept (`SessionOptions.prefixes`). Absent: none that anybody need know of. */
  readonly models?: readonly CausalLM[]
  open(options: SessionOptions): DraftSession
}

/** What a session could draft; one without offers of its own drafts, as far as is known, whatever is asked. */
export function offersOf(
  { name, parameterCount }: Drafter,
  session: DraftSession,
  { tokens, limit }: { tokens: readonly number[]; limit: number },
): readonly Offer[] {
  if (limit < 1) return []
  if (session.offers) return session.offers(tokens, limit)
  return [{ source: name, kind: '', length: limit, ...(parameterCount > 0 && { unread: 1 }) }]
}

import type { CoveredIds, Device, Tensor } from '@outrider/tensor'
import type { CacheDtype } from './cache-dtype'
import type { ModelParameters } from './parameters'

/** Keys and values of some positions of a sequence, apart from any cache. */
export interface KvBlock {
  /** The first of the positions, and how many there are. */
  readonly first: number
  readonly count: number
  /** Memory that it holds. */
  readonly bytes: number
  dispose(): void
}

/**
 * Keys and values of the tokens a model has read, for a batch of sequences of unequal length. Memory for `capacity`
 * positions is there from the beginning; going back is moving a length.
 */
export interface KvCache {
  readonly batchSize: number
  /** Positions there is room for in every sequence. */
  readonly capacity: number
  /** Tokens read so far, by sequence. */
  readonly lengths: readonly number[]
  /**
   * Forgets the tokens from a length on: for all sequences, or one length each.
   *
   * @throws OutriderError INVALID_ARGUMENT for a length beyond the present one
   */
  truncate(length: number | readonly number[]): void
  /**
   * Counts tokens as read, by sequence, that a pass has read without being called: its commands were recorded, and are replayed.
   *
   * @throws OutriderError CONTEXT_OVERFLOW where there is no room for all of them; then none is counted
   */
  advance(counts: readonly number[]): void
  /**
   * Takes over what another cache of the model has of a sequence, in place of what is here; it stays there too. Where that is
   * refused, what is here stays.
   *
   * @throws OutriderError CONTEXT_OVERFLOW for more tokens than there is room for; INVALID_ARGUMENT where the two caches are of
   *   contexts in which the model computes otherwise
   */
  copySequence(to: number, source: KvCache, from: number): void
  /**
   * Copies what was read at some positions of a sequence; the copy stays as it is whatever becomes of the cache. The caller disposes of it.
   * Absent, with `appendBlock`: nothing of a prompt can be kept, and each is read whole.
   *
   * @throws OutriderError INVALID_ARGUMENT for positions that have not been read; OUT_OF_MEMORY where there is none for them
   */
  copyBlock?(sequence: number, first: number, count: number): KvBlock
  /**
   * Adds such a copy, of a cache of the same model, behind what has been read of a sequence, as if its tokens had been read here. It stays
   * the caller's.
   *
   * @throws OutriderError CONTEXT_OVERFLOW for more tokens than there is room for; INVALID_ARGUMENT for positions that are not the next
   *   ones, or a copy from a context in which the model computes otherwise
   */
  appendBlock?(sequence: number, block: KvBlock): void
  /** Frees the memory. */
  dispose(): void
}

export interface CacheOptions {
  /** Default 1. */
  batchSize?: number
  /** Positions that there is room for in every sequence. Default the model's context length. */
  capacity?: number
  /**
   * Positions that the sequences may have in all, here or in a cache that they are copied to. A model that computes otherwise
   * in long contexts than in short ones (LongRoPE) does so by this number, from the first token on: sequences whose answers are
   * to be the same have it in common. Generation, alone and in batches, and speculation give the model's context length.
   * Default, and at least, the capacity.
   */
  context?: number
}

export interface ForwardOptions {
  /** Continues these sequences, and remembers the new tokens in them. Without it, every sequence begins at position 0. */
  cache?: KvCache
  /**
   * Which rows' logits are wanted: all, or only each sequence's last, or its last so many (of a sequence with fewer tokens the first of
   * these mean nothing). Default 'all'.
   */
  rows?: 'all' | 'last' | number
  /**
   * How many of the rows are tokens, by sequence, for prompts of unequal length padded on the right; the cache advances by
   * these. Default: all rows.
   */
  counts?: readonly number[]
  /**
   * Of a model that `packs`, with `counts`: the tokens are u32 [1, Σ counts], one sequence's behind the other's, and so are the logits
   * of all of them, f32 [1, Σ counts, vocabulary]: nothing is computed for padding but attention. Default false.
   */
  packed?: boolean
  /** Of a model that covers some ids alone: their logits, in their order, in place of all of the vocabulary's. Default false. */
  coveredOnly?: boolean
}

/** A model that gives the distribution of the next token: all that decoding and speculation need of one. */
export interface CausalLM {
  readonly device: Device
  /** What is asked of a model's configuration by those who decode with it. */
  readonly config: {
    readonly vocabularySize: number
    readonly contextLength: number
    /** The ids of `covered`, ascending, where they are known to the host. */
    readonly coveredIds?: readonly number[]
    /** The id that stands for tokens not drafted yet, of a draft that proposes a block in one pass. Absent: it does not. */
    readonly maskTokenId?: number | undefined
  }
  /** How many parameters it has, a tied head once. */
  readonly parameterCount: number
  /** Its weights by name, where they can be looked at: runs and files of answers know a model again by them. */
  readonly parameters?: ModelParameters
  /** What it keeps keys and values in, where that is not f32 alone: part of what it is known again by. Absent: f32. */
  readonly cacheDtype?: CacheDtype
  /**
   * Whether the commands of a pass over one sequence can be recorded (`device.record`) and replayed further on, `start` advanced.
   * Absent: they cannot, and every pass is computed anew.
   */
  readonly isReplayable?: boolean
  /** Whether `forward` takes `packed`. Absent: sequences of unequal counts are padded. */
  readonly packs?: boolean
  /** The most positions that a cache can have, over all its sequences. Absent: as many as are asked for. */
  readonly maxCachePositions?: number
  /** The ids that it can say, where these are not all: every other id has logit −∞. Absent: all. */
  readonly covered?: CoveredIds | undefined
  /** The caller disposes of it. */
  createCache(options?: CacheOptions): KvCache
  /** Memory of the device that such a cache takes. Absent: nobody knows before it is made, and no bound of memory can be kept. */
  cacheBytes?(options?: CacheOptions): number
  /**
   * Logits of the token after each row. A row's result does not depend on how many other rows, up to 16, are computed with
   * it, nor on the other sequences of the batch.
   *
   * @param tokens  u32 [batch, rows]
   * @returns f32 [batch, rows, vocabulary], or [batch, 1, vocabulary] for `rows: 'last'` and [batch, n, vocabulary] for `rows: n`, or as
   *   many columns as ids are covered for `coveredOnly`; the caller's to free
   * @throws OutriderError CONTEXT_OVERFLOW where the cache has no room for the tokens
   */
  forward(tokens: Tensor, options?: ForwardOptions): Tensor
  dispose(): void
}

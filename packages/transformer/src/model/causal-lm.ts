import type { Device, Tensor } from '@outrider/tensor'
import type { ModelConfig } from '../config/index'

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
  /** Frees the memory. */
  dispose(): void
}

export interface ForwardOptions {
  /** Continues these sequences, and remembers the new tokens in them. Without it, every sequence begins at position 0. */
  cache?: KvCache
  /** Which rows' logits are wanted: all, or only each sequence's last. Default 'all'. */
  rows?: 'all' | 'last'
  /**
   * How many of the rows are tokens, by sequence, for prompts of unequal length padded on the right; the cache advances by
   * these. Default: all rows.
   */
  counts?: readonly number[]
}

/** A model that gives the distribution of the next token: all that decoding and speculation need of one. */
export interface CausalLM {
  readonly device: Device
  readonly config: ModelConfig
  /**
   * A cache for `batchSize` sequences (default 1) of up to `capacity` tokens (default the context length). The caller
   * disposes of it.
   */
  createCache(options?: { batchSize?: number; capacity?: number }): KvCache
  /**
   * Logits of the token after each row. A row's result does not depend on how many other rows, up to 16, are computed with
   * it, nor on the other sequences of the batch.
   *
   * @param tokens  u32 [batch, rows]
   * @returns f32 [batch, rows, vocabulary], or [batch, 1, vocabulary] for `rows: 'last'`; the caller's to free
   * @throws OutriderError CONTEXT_OVERFLOW where the cache has no room for the tokens
   */
  forward(tokens: Tensor, options?: ForwardOptions): Tensor
  dispose(): void
}

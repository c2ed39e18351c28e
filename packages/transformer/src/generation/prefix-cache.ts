import { OutriderError } from '@outrider/tensor'
import type { CausalLM, KvBlock, KvCache } from '../model/index'
import { multipleUpTo, pieceMultiple } from './prefill'

/** What is known of the beginnings of texts, among those that share what they have read. */
export interface Prefixes {
  /**
   * Gives an empty cache of one sequence what is kept of a text's beginning: as if the model had read it there, to the same bits. It ends
   * at a multiple of 64 tokens, where a pass over a prompt may end, so that the rest is read in the passes in which it would have been.
   *
   * @param most  the most tokens to be given; default all but the last, which says what follows
   * @returns how many tokens were given
   */
  restore(model: CausalLM, cache: KvCache, tokens: readonly number[], most?: number): number
  /**
   * Keeps what a model has read of a text as a prompt (`prefill`, from its first token on), in whole blocks of 64 tokens. Tokens that were
   * decoded are none of these: their passes have few rows, and may be computed by other kernels.
   *
   * @param cache  of one sequence, which has read them, at its beginning
   */
  keep(model: CausalLM, cache: KvCache, tokens: readonly number[]): void
}

export interface PrefixCacheOptions {
  /** The most memory of the device. Default 512 MiB. */
  maxBytes?: number
}

/** The most memory that beginnings of texts take unless it is said otherwise. */
export const defaultPrefixBytes = 512 * 2 ** 20

/** Blocks that come next in texts, by their tokens: two that differ in one id are two. */
type Following = Map<string, Node>

interface Node {
  readonly block: KvBlock
  /** Where it is found, and as what. */
  readonly among: Following
  readonly key: string
  readonly following: Following
}

/**
 * Keys and values of what texts begin with, on the device, for the texts that begin so too: system messages, earlier turns. They lie in
 * blocks of 64 tokens, each a child of the one before it, found by the tokens themselves. A text is given copies; what it does with them
 * changes nothing here. Beyond a bound the block that was used longest ago goes, and never one that others still follow. Where the device
 * has no memory for a block, it is not kept. `clear` it when the weights of a model have changed.
 */
export class PrefixCache {
  #maxBytes: number
  /** What texts begin with, by model. */
  #first = new WeakMap<CausalLM, Following>()
  /** From the one that was used longest ago. A block comes behind all that follow it in a text, so the first has none. */
  readonly #byAge = new Set<Node>()
  /** Of a block of a model, once there was one. */
  readonly #blockBytes = new WeakMap<CausalLM, number>()
  #bytes = 0

  /** @throws OutriderError INVALID_ARGUMENT for a bound that is none */
  constructor({ maxBytes = defaultPrefixBytes }: PrefixCacheOptions = {}) {
    if (!(maxBytes >= 0))
      throw new OutriderError('INVALID_ARGUMENT', `maxBytes is ${maxBytes}; it must be a number of bytes.`)
    this.#maxBytes = maxBytes
  }

  /** The most memory that it takes. Set lower, what was used longest ago goes at once. */
  get maxBytes(): number {
    return this.#maxBytes
  }

  set maxBytes(bytes: number) {
    this.#maxBytes = Math.max(0, bytes)
    while (this.#bytes > this.#maxBytes && this.#forgetOldest(none));
  }

  /** Memory of the device that is taken. */
  get bytes(): number {
    return this.#bytes
  }

  /** Blocks that are kept, of all models. */
  get blocks(): number {
    return this.#byAge.size
  }

  /**
   * What those share who have a name in common, and nobody else: how fast an answer comes tells what has been read before.
   *
   * @param name  default that of all who have none
   */
  of(name = ''): Prefixes {
    return {
      restore: (model, cache, tokens, most = tokens.length - 1) => this.#restore(name, model, { cache, tokens, most }),
      keep: (model, cache, tokens) => this.#keep(name, model, { cache, tokens }),
    }
  }

  /** Forgets what is kept of one model, which is no longer asked, and frees the memory. */
  forget(model: CausalLM): void {
    const nodes = [...(this.#first.get(model)?.values() ?? [])]
    for (let node = nodes.pop(); node; node = nodes.pop()) {
      this.#free(node)
      nodes.push(...node.following.values())
    }
    this.#first.delete(model)
  }

  /** Forgets everything and frees the memory. It is as usable as a new one. */
  clear(): void {
    for (const { block } of this.#byAge) block.dispose()
    this.#byAge.clear()
    this.#first = new WeakMap()
    this.#bytes = 0
  }

  dispose(): void {
    this.clear()
  }

  [Symbol.dispose](): void {
    this.dispose()
  }

  #restore(name: string, model: CausalLM, { cache, tokens, most }: Restoring): number {
    if (!cache.appendBlock || cache.lengths[0] !== 0) return 0
    const end = multipleUpTo(Math.min(most, tokens.length, cache.capacity))
    const chain: Node[] = []
    for (let first = 0, among = this.#firstOf(model); first < end; first += pieceMultiple) {
      const node = among.get(keyOf(name, tokens, first))
      if (!node) break
      cache.appendBlock(0, node.block)
      chain.push(node)
      among = node.following
    }
    this.#use(chain)
    return chain.length * pieceMultiple
  }

  #keep(name: string, model: CausalLM, { cache, tokens }: Keeping): void {
    const end = multipleUpTo(Math.min(tokens.length, cache.lengths[0]!))
    const chain = new Set<Node>()
    try {
      for (let first = 0, among = this.#firstOf(model); first < end; first += pieceMultiple) {
        const key = keyOf(name, tokens, first)
        let node = among.get(key)
        if (!node) {
          const block = this.#copied(model, cache, { first, chain })
          if (!block) break
          this.#bytes += block.bytes
          node = { block, among, key, following: new Map() }
          among.set(key, node)
        }
        // Of what makes room for the rest, it comes last.
        this.#use([node])
        chain.add(node)
        among = node.following
      }
    } finally {
      this.#use([...chain])
    }
  }

  /** @returns undefined where there is no memory for it, and none to be had */
  #copied(
    model: CausalLM,
    cache: KvCache,
    { first, chain }: { first: number; chain: ReadonlySet<Node> },
  ): KvBlock | undefined {
    if (!cache.copyBlock) return undefined
    for (;;) {
      const expected = this.#blockBytes.get(model) ?? 0
      while (this.#bytes + expected > this.#maxBytes) if (!this.#forgetOldest(chain)) return undefined
      try {
        const block = cache.copyBlock(0, first, pieceMultiple)
        this.#blockBytes.set(model, block.bytes)
        if (this.#bytes + block.bytes <= this.#maxBytes) return block
        block.dispose()
      } catch (error) {
        if (!isLackOfMemory(error)) throw error
        if (!this.#forgetOldest(chain)) return undefined
      }
    }
  }

  /** @returns whether there was one that may go */
  #forgetOldest(needed: ReadonlySet<Node>): boolean {
    const [oldest] = this.#byAge
    if (!oldest || needed.has(oldest)) return false
    oldest.among.delete(oldest.key)
    this.#free(oldest)
    return true
  }

  #free(node: Node): void {
    this.#byAge.delete(node)
    this.#bytes -= node.block.bytes
    node.block.dispose()
  }

  /** They are the last to go, and each after those that follow it. */
  #use(chain: readonly Node[]): void {
    for (const node of chain.toReversed()) {
      this.#byAge.delete(node)
      this.#byAge.add(node)
    }
  }

  #firstOf(model: CausalLM): Following {
    const first = this.#first.get(model) ?? new Map()
    this.#first.set(model, first)
    return first
  }
}

const none: ReadonlySet<Node> = new Set()

interface Keeping {
  cache: KvCache
  tokens: readonly number[]
}

interface Restoring extends Keeping {
  most: number
}

/** The ids of a block; of a first one with the name of those who share it. */
function keyOf(name: string, tokens: readonly number[], first: number): string {
  const ids = tokens.slice(first, first + pieceMultiple).join()
  return first === 0 ? `${ids} ${name}` : ids
}

const isLackOfMemory = (error: unknown): boolean =>
  error instanceof OutriderError && (error.code === 'OUT_OF_MEMORY' || error.code === 'DEVICE_LIMIT')

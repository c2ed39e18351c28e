import type { Device } from '@outrider/tensor'
import { expectSame } from '@outrider/tensor/testing'
import { LogitsProcessor, type Sampling, type TokenConstraint } from '@outrider/transformer'
import type { DraftSession } from '../drafter/drafter'
import type { Draw } from './draws'

/** Allows even ids after odd ones, and odd ids after even ones. */
class Alternating implements TokenConstraint {
  #last: number

  constructor(last: number) {
    this.#last = last
  }

  allowed(): Uint32Array {
    return Uint32Array.of(this.#last % 2 === 0 ? 0xaaaaaaaa : 0x55555555)
  }

  accept(token: number): void {
    this.#last = token
  }

  clone(): TokenConstraint {
    return new Alternating(this.#last)
  }
}

export interface ConstrainedDrawsOptions {
  device: Device
  vocabularySize: number
  tokens: readonly number[]
  draftLength: number
  sampling: Sampling
  /** Of the random numbers of each draft. */
  offsets: readonly number[]
}

/**
 * What a session drafts under a constraint, of the first 32 ids alone; nothing where it does not wait for its tokens.
 *
 * @throws Error where the tokens are not what it says they are
 */
export async function constrainedDraws(
  session: DraftSession,
  { device, vocabularySize, tokens, draftLength, sampling, offsets }: ConstrainedDrawsOptions,
): Promise<Draw[][]> {
  const target = { model: { device, config: { vocabularySize } }, generationConfig: { eosTokenIds: [] } }
  const constraint = new Alternating(tokens.at(-1)!)
  const processor = LogitsProcessor.of(target, { sampling, prompt: tokens, constraint })!
  const drafts: Draw[][] = []
  try {
    for (const offset of offsets) {
      // An offer is of those that were made last.
      const offer = session.offers?.(tokens, draftLength).find(({ unread }) => unread !== undefined)
      const draft = await session.draftConstrained?.({ tokens, draftLength, offer, sampling, processor, offset })
      if (!draft) break
      const { known, count, probabilities } = draft
      const [ids, p, proposed] = await Promise.all([draft.tokens.data(), probabilities!.data(), count?.data()])
      const drafted = [...ids.slice(0, proposed?.[0])]
      if (known) expectSame(known.slice(0, drafted.length), drafted, 'the ids that are known')
      drafts.push(drafted.map((token, i) => ({ token, p: p.subarray(i * vocabularySize, (i + 1) * vocabularySize) })))
      session.keep(tokens.length - 1, drafted.length)
    }
  } finally {
    processor.dispose()
  }
  return drafts
}

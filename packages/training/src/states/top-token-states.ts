import {
  type Batch,
  nothing,
  type RowTopTokens,
  readTopTokens,
  type Speaker,
  type TopTokenReading,
  type TopTokenShards,
} from '@outrider/dataset'
import type { TopTokens } from '@outrider/losses'
import { type Device, OutriderError } from '@outrider/tensor'
import { noToken } from '@outrider/tensor/internal'
import type { HostBatch } from './read-positions'
import { targetRows } from './target-rows'

/**
 * A target that is not here: its tokenizer, template and configuration, and what it thinks of rows, in shards (`scoreDataset` of
 * `@outrider/dataset`).
 */
export interface TopTokenTarget extends Speaker, TopTokenReading {
  readonly kind: 'shards'
  readonly shards: TopTokenShards
  /**
   * What rows that are learnt from their first token on, as pretraining text is, and that no shard has, are learned as: `labels`, the
   * target is taken to say the token that stands there, so that KLD is next-token cross-entropy, and TVD 1 − p of that token. Ids that a
   * trimmed draft does not say teach it nothing. Default: such rows are refused.
   */
  readonly text?: 'labels' | undefined
}

/** A batch, and what is learned at its positions. */
type LabelledBatch = HostBatch & Pick<Batch, 'labels'>

/** ln of so little that α is 0, and yet all of what a draft could say of it: its loss is 0, too. */
const hardlyAny = -20

type Told = ReturnType<typeof readTopTokens>

/** What shards say of the rows of batches. Rows come from files, so that they are fetched before a step is computed (`hold`). */
export class TopTokenStates {
  readonly #target: TopTokenTarget
  /** Of the rows at hand, and how many hold them. */
  readonly #held = new Map<string, { told: Told | 'labels'; holders: number }>()
  readonly #covered: ReadonlySet<number> | undefined

  /** @param coveredIds  the ids that the draft says, where these are not all */
  constructor(target: TopTokenTarget, coveredIds?: readonly number[]) {
    this.#target = target
    this.#covered = coveredIds && new Set(coveredIds)
  }

  /**
   * Has what is told of batches at hand until what it returns is disposed of.
   *
   * @throws OutriderError INVALID_ARGUMENT for a row that no shard has
   */
  async hold(batches: readonly HostBatch[]): Promise<Disposable> {
    const keys: string[] = []
    const letGo = () => {
      for (const key of keys) {
        const held = this.#held.get(key)!
        if (--held.holders === 0) this.#held.delete(key)
      }
    }
    try {
      for (const { key, tokens, places } of batches.flatMap((batch) => targetRows(batch, 'learnt').rows)) {
        const held = this.#held.get(key) ?? { told: await this.#find(tokens, places), holders: 0 }
        held.holders++
        this.#held.set(key, held)
        keys.push(key)
      }
    } catch (error) {
      letGo()
      throw error
    }
    return { [Symbol.dispose]: letGo }
  }

  /**
   * What is told of positions of a batch that is at hand, a row a position; of those that are not learnt, that all is in the bucket, and
   * of those where a trimmed draft says nothing that the target does, that hardly anything is.
   *
   * @param numbers  of positions in the batch, ascending
   */
  of(device: Device, batch: LabelledBatch, numbers: Uint32Array): TopTokens {
    const { k } = this.#target.shards.head
    const ids = new Uint32Array(numbers.length * k).fill(noToken)
    const logProbabilities = new Float32Array(numbers.length * k)
    const logRest = new Float32Array(numbers.length)
    const rowOfNumber = new Map(Array.from(numbers, (number, row) => [number, row]))
    const { rows, numbers: learnt } = targetRows(batch, 'learnt')
    let at = 0
    for (const { key, places } of rows) {
      const { told } = this.#held.get(key)!
      for (let place = 0; place < places.length; place++) {
        const number = learnt[at++]!
        const row = rowOfNumber.get(number)
        if (row === undefined) continue
        const [said, rest] =
          told === 'labels'
            ? [batch.labels.subarray(number, number + 1), nothing]
            : [told.ids.subarray(place * k, (place + 1) * k), told.logRest[place]!]
        if (!this.#canSay(said, rest)) {
          logRest[row] = hardlyAny
          continue
        }
        ids.set(said, row * k)
        if (told !== 'labels') logProbabilities.set(told.logProbabilities.subarray(place * k, (place + 1) * k), row * k)
        logRest[row] = rest
      }
    }
    const shape = [numbers.length, k] as const
    return {
      ids: device.tensor(ids, { shape: [...shape] }),
      logProbabilities: device.tensor(logProbabilities, { shape: [...shape] }),
      logRest: device.tensor(logRest),
    }
  }

  /** Whether a draft says anything of what a target says in a place: else it learns nothing there. */
  #canSay(ids: Uint32Array, rest: number): boolean {
    return this.#covered === undefined || rest > nothing || ids.some((id) => this.#covered!.has(id))
  }

  async #find(tokens: Uint32Array, places: Uint32Array): Promise<Told | 'labels'> {
    const { shards, tokenizer, rest, temperature, text } = this.#target
    const row: RowTopTokens | undefined = await shards.find(tokens, [...places])
    if (row) return readTopTokens(row, { rest, temperature }, tokenizer.vocabularySize)
    if (text === 'labels' && places[0] === 0) return text
    const said = tokenizer.decode([...tokens.slice(0, 60)])
    throw new OutriderError('INVALID_ARGUMENT', `No shard has the row ${JSON.stringify(said)}.`, {
      remedy: 'Score the same rows (outrider score), held-out ones, too; shards are data sets by themselves.',
    })
  }
}

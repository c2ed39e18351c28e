import { OutriderError } from '@outrider/tensor'
import type { DataSource } from '../formats/row'
import type { Example, Speaker } from '../tokenize/example'
import type { OnLeftOut } from '../tokenize/left-out'
import { tokenize } from '../tokenize/tokenize'
import { type Batch, toBatch } from './batch'
import { type Mixture, nextComponent } from './mix'
import { rowLength } from './row-length'
import { rowsHash } from './rows-hash'
import { shuffled } from './shuffle'

/** Batches without end, in an order that a seed decides; where it stands can be written down and gone back to. */
export interface BatchStream {
  next(): Promise<Batch>
  /** Where the stream stands, as JSON. */
  state(): unknown
  /**
   * Goes to where a stream of the same data and settings stood.
   *
   * @throws OutriderError INVALID_ARGUMENT for a state of other data
   */
  restore(state: unknown): Promise<void>
  /** What the batches are made of, for who goes on with a run: it is to be the same. Streams that cannot say leave it out. */
  identity?(): Promise<BatchesIdentity>
}

/** The sources of batches: each with its share of the rows, from 0 to 1, and a hash of all its examples. */
export type BatchesIdentity = { name: string; share: number; examples: number; rows: string }[]

export interface BatchOptions {
  /** Rows a batch. Default 8. */
  batchSize?: number | undefined
  /** Positions a row at most. Default 128, or the model's context where that is shorter. */
  length?: number | undefined
  /** Decides the order. Default 0. */
  seed?: number | undefined
  /** Told of the rows that are cut or passed over, once a source. Default: a line on the console. */
  onLeftOut?: OnLeftOut | undefined
}

interface Component {
  name: string
  weight: number
  examples: Example[]
  taken: number
}

/**
 * Tokenises sources and gives batches of them: texts in windows, conversations one a row, mixed as `mix` says, each source
 * shuffled anew every time it has been gone through.
 *
 * @throws OutriderError INVALID_ARGUMENT for a length beyond the model's context; what `tokenize` throws
 */
export async function batchStream(
  data: DataSource | Mixture,
  speaker: Speaker,
  { batchSize = 8, seed = 0, onLeftOut, ...options }: BatchOptions = {},
): Promise<BatchStream> {
  const length = rowLength({ model: speaker }, options.length)
  if (!(Number.isInteger(batchSize) && batchSize > 0))
    throw new OutriderError('INVALID_ARGUMENT', `batchSize must be a positive whole number, not ${batchSize}.`)
  const given = 'components' in data ? data.components : [{ name: data.name, source: data, weight: 1 }]
  const components: Component[] = []
  for (const { name, source, weight } of given)
    components.push({ name, weight, examples: await tokenize(source, speaker, length, onLeftOut), taken: 0 })

  const orders = components.map(() => ({ epoch: -1, order: shuffled(0, seed, 0) }))
  const take = (index: number): Example => {
    const component = components[index]!
    const epoch = Math.floor(component.taken / component.examples.length)
    if (orders[index]!.epoch !== epoch)
      orders[index] = { epoch, order: shuffled(component.examples.length, seed + index, epoch) }
    return component.examples[orders[index]!.order[component.taken++ % component.examples.length]!]!
  }
  const weights = components.map(({ weight }) => weight)
  const total = weights.reduce((a, b) => a + b, 0)
  return {
    async next() {
      const examples = Array.from({ length: batchSize }, () =>
        take(
          nextComponent(
            weights,
            components.map(({ taken }) => taken),
          ),
        ),
      )
      return toBatch(examples)
    },
    state: () => ({
      seed,
      batchSize,
      length,
      parts: components.map(({ name, examples, taken }) => ({ name, examples: examples.length, taken })),
    }),
    async restore(state) {
      const saved = state as {
        seed: number
        batchSize: number
        length: number
        parts: { examples: number; taken: number }[]
      }
      const differs = (what: string) =>
        new OutriderError('INVALID_ARGUMENT', `${what} is not what the checkpoint was made with.`, {
          remedy: 'Resume with the same data and settings, or train into another directory.',
        })
      for (const [what, before, now] of [
        ['The seed', saved?.seed, seed],
        ['The batch size', saved?.batchSize, batchSize],
        ['The length', saved?.length, length],
      ] as const)
        if (before !== now) throw differs(`${what} ${now}`)
      const sameData =
        saved.parts?.length === components.length &&
        saved.parts.every(({ examples }, i) => examples === components[i]!.examples.length)
      if (!sameData) throw differs('The data')
      for (const [i, component] of components.entries()) component.taken = saved.parts[i]!.taken
    },
    identity: () =>
      Promise.all(
        components.map(async ({ name, weight, examples }) => ({
          name,
          share: weight / total,
          examples: examples.length,
          rows: await rowsHash(examples),
        })),
      ),
  }
}

/**
 * Every example of a source once, in order, as batches: for validation.
 *
 * @throws OutriderError INVALID_ARGUMENT for a length beyond the model's context; what `tokenize` throws
 */
export async function batchesOnce(
  source: DataSource,
  speaker: Speaker,
  { batchSize = 8, length, onLeftOut }: BatchOptions = {},
): Promise<Batch[]> {
  const examples = await tokenize(source, speaker, rowLength({ model: speaker }, length), onLeftOut)
  return Array.from({ length: Math.ceil(examples.length / batchSize) }, (_, i) =>
    toBatch(examples.slice(i * batchSize, (i + 1) * batchSize)),
  )
}

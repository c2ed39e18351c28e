import {
  type CoveredIds,
  type Device,
  embedding,
  type Head,
  headLogits,
  OutriderError,
  rmsNorm,
  ShapeError,
  type Tensor,
} from '@outrider/tensor'
import { familyOf } from '../config/families/index'
import { configToJson, type ModelConfig } from '../config/index'
import { assertCacheDtype, type CacheDtype, storedRows } from './cache-dtype'
import type { CacheOptions, ForwardOptions, KvCache } from './causal-lm'
import { CoveredHead } from './covered-head'
import { describeModel } from './describe-model'
import { inferencePass, type LayerCache, type Packing, type PassPlace, withWeight } from './inference-pass'
import { FullKvCache } from './kv-cache'
import type { ModelDescription } from './layer'
import { initializeParameters, type ModelParameters, parameterCount, parameterShapes } from './parameters'
import { RotaryTables } from './rotary-tables'
import type { LogitsAndHidden, StoredForm, TransformerLM } from './trainable-lm'
import { type PlacedPassOptions, trainingPass } from './training-pass'

export interface DecoderOptions {
  /**
   * What keys and values are kept in, in caches and in passes without one, so that a row's bits are the same with and without.
   * With f16 or q8_0 it is another model, by a rounding: drafts are exact for it as it is. q8_0 takes heads of a multiple of 32.
   * Training computes without. Default 'f32'.
   */
  cacheDtype?: CacheDtype | undefined
}

/** A decoder-only transformer with its parameters on a device. It owns them: `dispose` frees them. */
export class Decoder implements TransformerLM {
  readonly device: Device
  readonly config: ModelConfig
  /** By Hugging Face name. A training step replaces their contents, or the tensors themselves. */
  readonly parameters: ModelParameters
  readonly parameterCount: number
  readonly cacheDtype: CacheDtype
  readonly isReplayable = true
  readonly packs = true
  readonly #description: ModelDescription
  readonly #tables: RotaryTables
  /** Where the head covers some ids alone. */
  readonly #coveredHead: CoveredHead | undefined

  /**
   * @param parameters  by Hugging Face name; the model takes them over
   * @throws ShapeError or OutriderError for parameters that do not fit the configuration; OutriderError INVALID_ARGUMENT for a
   *   cacheDtype that is none; UNSUPPORTED for one that does not take the heads
   */
  constructor(
    device: Device,
    config: ModelConfig,
    parameters: ModelParameters,
    { cacheDtype = 'f32' }: DecoderOptions = {},
  ) {
    assertCacheDtype(config, cacheDtype)
    for (const [name, shape] of parameterShapes(config)) {
      const tensor = parameters[name]
      if (!tensor) throw new OutriderError('INVALID_ARGUMENT', `The model has no parameter "${name}".`)
      if (tensor.shape.join() !== shape.join())
        throw new ShapeError(`parameter ${name}`, [tensor.shape, shape], 'shapes differ')
    }
    this.device = device
    this.config = config
    this.parameters = parameters
    this.parameterCount = parameterCount(config)
    this.cacheDtype = cacheDtype
    this.#description = describeModel(config)
    this.#tables = new RotaryTables(device, this.#description.layers)
    this.#coveredHead = config.coveredIds && new CoveredHead(device, config.coveredIds, this.#description)
  }

  /** A model with fresh parameters; the same seed gives the same bits. */
  static initialize(device: Device, config: ModelConfig, { seed = 0 }: { seed?: number } = {}): Decoder {
    return new Decoder(device, config, initializeParameters(device, config, seed))
  }

  get stored(): StoredForm {
    const { config } = this
    return {
      config: configToJson(config),
      joined: familyOf(config).joined,
      ...(this.#coveredHead && { covered: this.#coveredHead.stored }),
    }
  }

  get covered(): CoveredIds | undefined {
    return this.#coveredHead?.covered
  }

  get maxCachePositions(): number {
    return FullKvCache.maxPositions(this.device, this.config, this.cacheDtype)
  }

  createCache(options?: CacheOptions): KvCache {
    this.#coveredHead?.refresh(this.parameters)
    return new FullKvCache(this.device, this.config, this.cacheDtype, options)
  }

  cacheBytes(options?: CacheOptions): number {
    return FullKvCache.bytes(this.config, this.cacheDtype, options)
  }

  hidden(tokens: Tensor): Tensor {
    const [batch, rows] = checkedTokens('hidden', tokens)
    return this.device.scope(() => {
      return this.finalNorm(this.#infer(tokens, this.#passing(batch, rows)))
    })
  }

  head(parameters: ModelParameters = this.parameters): Head {
    return this.#shaped(this.#coveredHead?.of(parameters) ?? { weight: parameters[this.#description.head.weight]! })
  }

  trainingHidden(parameters: ModelParameters, tokens: Tensor, options?: PlacedPassOptions): Tensor {
    return trainingPass(this.#description, parameters, tokens, this.#tables, options)
  }

  forward(tokens: Tensor, options: ForwardOptions = {}): Tensor {
    return this.#read(tokens, options, (logits) => logits)
  }

  forwardWithHidden(tokens: Tensor, options: ForwardOptions = {}): LogitsAndHidden {
    // The head computes the norm with its product; it is computed once more, so that logits are as without.
    return this.#read(tokens, options, (logits, hidden) => ({ logits, hidden: this.finalNorm(hidden) }))
  }

  /** @param result  of logits and the hidden states before the last norm */
  #read<T extends Tensor | LogitsAndHidden>(
    tokens: Tensor,
    { cache, rows = 'all', counts, packed = false, coveredOnly = false }: ForwardOptions,
    result: (logits: Tensor, hidden: Tensor) => T,
  ): T {
    const shape = checkedTokens('forward', tokens)
    const [batch, length] = packed ? packedSizes(shape, rows, counts) : shape
    const read = checkedCounts(counts, batch, length)
    const memory = cache && FullKvCache.of(cache, batch)
    memory?.assertRoom(read)
    const said = this.device.scope(() => {
      const place = memory?.place() ?? this.#passing(batch, length)
      const packing = packed && tokens.size < batch * length ? packingOf(this.device, read, length) : undefined
      // Without padding, rows lie by sequence as they are.
      const lying = packing ? tokens : tokens.reshape([batch, length])
      const hidden = this.#infer(lying, { ...place, packing, sequenceRows: length }) // [batch, length, hidden], or [1, Σ counts, hidden]
      const wanted = rows === 'all' ? hidden : lastRows(hidden, read, rows === 'last' ? 1 : rows) // [batch, n, hidden]
      const kept = memory && this.#coveredHead?.kept(this.parameters)
      const head = kept ? this.#shaped(kept) : this.head()
      const asked = coveredOnly ? { ...head, covered: undefined } : head
      const norm = withWeight(this.#description.norm, this.parameters)
      const sequenceRows = rows === 'all' ? length : wanted.shape[1]!
      const logits = headLogits(asked, wanted, { norm, sequenceRows }) // [batch, n, vocabulary or covered]
      return packed ? result(inLine(logits), inLine(wanted)) : result(logits, wanted)
    })
    memory?.advance(read)
    return said
  }

  finalNorm(states: Tensor): Tensor {
    const { norm } = this.#description
    return rmsNorm(states, this.parameters[norm.weight]!, norm)
  }

  #shaped(rows: Pick<Head, 'weight' | 'covered'>): Head {
    const { scale, softCap } = this.#description.head
    return { ...rows, scale, ...(softCap !== undefined && { softCap }) }
  }

  #infer(tokens: Tensor, place: PassPlace): Tensor {
    return inferencePass(this.#description, this.parameters, tokens, this.#tables, place)
  }

  /** Keys and values that end with the scope. */
  #passing(batch: number, rows: number): PassPlace {
    const { shape, dtype } = storedRows(this.config, this.cacheDtype, [batch, rows])
    const place = () => this.device.empty(shape, dtype)
    const cacheOf = (): LayerCache => ({ keys: place(), values: place() })
    return { start: 0, context: rows, sequenceRows: rows, cacheOf }
  }

  dispose(): void {
    for (const tensor of Object.values(this.parameters)) tensor.dispose()
    this.#tables.dispose()
    this.#coveredHead?.dispose()
  }

  [Symbol.dispose](): void {
    this.dispose()
  }
}

function checkedTokens(user: string, { shape, dtype }: Tensor): [batch: number, rows: number] {
  if (shape.length === 2 && dtype === 'u32') return [shape[0]!, shape[1]!]
  throw new ShapeError(user, [shape], `the tokens must be u32 [batch, rows], not ${dtype}`)
}

/** The rows of each sequence's last n tokens: [batch, rows, hidden] → [batch, n, hidden]. */
function lastRows(hidden: Tensor, counts: readonly number[], n: number): Tensor {
  const [batch, rows, columns] = hidden.shape as [number, number, number]
  if (n === rows && (n === 1 || counts.every((count) => count === rows))) return hidden
  const places = counts.flatMap((count, b) =>
    Array.from({ length: n }, (_, i) => b * rows + Math.max(0, count - n + i)),
  )
  const ids = hidden.device.tensor(Uint32Array.from(places))
  return embedding(hidden.reshape([batch * rows, columns]), ids).reshape([batch, n, columns])
}

/** How many sequences there are of packed tokens, and the most rows that one has. */
function packedSizes(
  [batch, length]: readonly [number, number],
  rows: ForwardOptions['rows'],
  counts: ForwardOptions['counts'],
): [batch: number, rows: number] {
  const sum = counts?.reduce((sum, count) => sum + count, 0)
  if (counts && batch === 1 && sum === length && rows === 'all') return [counts.length, Math.max(...counts)]
  throw new OutriderError(
    'INVALID_ARGUMENT',
    `forward: tokens [${batch}, ${length}] of counts [${counts?.join(', ') ?? ''}] cannot be read packed, with rows ${rows}.`,
    { remedy: 'Give tokens [1, Σ counts], the counts, and all rows.' },
  )
}

/** Where the rows of sequences of such counts lie, packed and by sequence. */
function packingOf(device: Device, counts: readonly number[], places: number): Packing {
  const rows = new Uint32Array(counts.length * places)
  const placeOf: number[] = []
  for (const [b, count] of counts.entries())
    for (let i = 0; i < count; i++) {
      rows[b * places + i] = placeOf.length
      placeOf.push(b * places + i)
    }
  return {
    rows: device.tensor(rows, { shape: [counts.length, places] }),
    places: device.tensor(Uint32Array.from(placeOf)),
  }
}

/** [batch, rows, columns] → [1, batch · rows, columns] */
const inLine = (x: Tensor): Tensor => x.reshape([1, x.size / x.shape[2]!, x.shape[2]!])

function checkedCounts(counts: readonly number[] | undefined, batch: number, rows: number): readonly number[] {
  if (!counts) return Array.from({ length: batch }, () => rows)
  if (counts.length === batch && counts.every((count) => Number.isInteger(count) && count >= 0 && count <= rows))
    return counts
  throw new OutriderError(
    'INVALID_ARGUMENT',
    `forward: counts [${counts.join(', ')}] must be ${batch} numbers from 0 to ${rows}, the rows that are tokens in each sequence.`,
  )
}

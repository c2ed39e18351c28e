import { type OnWarning, warnOfKeys, warnOfUnknownKeys } from '../files/file-warning'
import { Fields } from './fields'
import { isKnownGenerationKey, isUnapplied, usedGenerationKeys } from './generation-keys'
import type { ModelConfig } from './model-config'
import { oneOrMany } from './parse-config'

/** How a model's authors mean it to be sampled, and which tokens end its answers: generation_config.json. */
export interface GenerationConfig {
  bosTokenId?: number
  /** Any of these ends an answer; may be more than the model's config names. */
  eosTokenIds: number[]
  padTokenId?: number
  /** The authors' advice; nothing is sampled by it unless the caller says so. */
  doSample?: boolean
  temperature?: number
  topK?: number
  topP?: number
  minP?: number
  repetitionPenalty?: number
  /** What else the file says, by its own names: not used here, and written again with the rest. */
  others?: Readonly<Record<string, unknown>>
}

/**
 * Reads a generation_config.json; without one (`json` undefined), the special tokens of the model's config.
 *
 * @param onWarning  is told of what would change answers and is not applied (typical_p, beams and so on, where they are not
 *   neutral), and of keys that nobody knows
 * @throws OutriderError FILE_FORMAT for a value that a field cannot have
 */
export function parseGenerationConfig(
  json: unknown,
  model: ModelConfig,
  file = 'generation_config.json',
  onWarning?: OnWarning,
): GenerationConfig {
  const fields = new Fields(json ?? {}, file)
  const entries = Object.entries((json ?? {}) as Record<string, unknown>)
  const keysWhere = (matches: (key: string, value: unknown) => boolean) =>
    entries.filter(([key, value]) => matches(key, value)).map(([key]) => key)
  warnOfKeys(onWarning, file, keysWhere(isUnapplied), 'asked for, and not applied here, as it is not implemented')
  warnOfUnknownKeys(
    onWarning,
    file,
    keysWhere((key, value) => value !== null && !isKnownGenerationKey(key)),
  )
  const eosTokenIds = fields.tokens('eos_token_id')
  // Below 0 is none, as 0 is.
  const topK = fields.number('top_k', -Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)
  return withoutAbsent({
    bosTokenId: fields.token('bos_token_id') ?? model.bosTokenId,
    eosTokenIds: eosTokenIds.length > 0 ? eosTokenIds : model.eosTokenIds,
    padTokenId: fields.token('pad_token_id') ?? model.padTokenId,
    doSample: fields.get('do_sample') === undefined ? undefined : fields.flag('do_sample', false),
    temperature: fields.number('temperature', 0, Number.MAX_VALUE),
    topK: topK === undefined ? undefined : Math.max(0, topK),
    topP: fields.number('top_p', 0, 1),
    minP: fields.number('min_p', 0, 1),
    repetitionPenalty: fields.number('repetition_penalty', Number.MIN_VALUE, Number.MAX_VALUE),
    others: othersOf(entries),
  })
}

/** A file that is written is no copy of a config.json, whatever the one that was read was. */
const notWritten: ReadonlySet<string> = new Set([...usedGenerationKeys, '_from_model_config'])

function othersOf(entries: [string, unknown][]): Record<string, unknown> | undefined {
  const others = entries.filter(([key, value]) => value !== null && !notWritten.has(key))
  return others.length > 0 ? Object.fromEntries(others) : undefined
}

export function generationConfigToJson(config: GenerationConfig): Record<string, unknown> {
  return withoutAbsent({
    bos_token_id: config.bosTokenId,
    eos_token_id: oneOrMany(config.eosTokenIds) ?? undefined,
    pad_token_id: config.padTokenId,
    do_sample: config.doSample,
    temperature: config.temperature,
    top_k: config.topK,
    top_p: config.topP,
    min_p: config.minP,
    repetition_penalty: config.repetitionPenalty,
    ...config.others,
  })
}

type WithoutAbsent<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>
}

function withoutAbsent<T extends Record<string, unknown>>(fields: T): WithoutAbsent<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as WithoutAbsent<T>
}

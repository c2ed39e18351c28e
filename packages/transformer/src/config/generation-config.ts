import { Fields } from './fields'
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
}

/**
 * Reads a generation_config.json; without one (`json` undefined), the special tokens of the model's config.
 *
 * @throws OutriderError FILE_FORMAT for a value that a field cannot have
 */
export function parseGenerationConfig(
  json: unknown,
  model: ModelConfig,
  file = 'generation_config.json',
): GenerationConfig {
  const fields = new Fields(json ?? {}, file)
  const eosTokenIds = fields.tokens('eos_token_id')
  return withoutAbsent({
    bosTokenId: fields.token('bos_token_id') ?? model.bosTokenId,
    eosTokenIds: eosTokenIds.length > 0 ? eosTokenIds : model.eosTokenIds,
    padTokenId: fields.token('pad_token_id') ?? model.padTokenId,
    doSample: fields.get('do_sample') === undefined ? undefined : fields.flag('do_sample', false),
    temperature: fields.number('temperature', 0, Number.MAX_VALUE),
    topK: fields.number('top_k', 0, Number.MAX_SAFE_INTEGER),
    topP: fields.number('top_p', 0, 1),
  })
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
  })
}

type WithoutAbsent<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>
}

function withoutAbsent<T extends Record<string, unknown>>(fields: T): WithoutAbsent<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as WithoutAbsent<T>
}

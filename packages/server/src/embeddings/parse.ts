import type { Prompt } from '@outrider/transformer'
import * as v from 'valibot'
import { ApiError } from '../api-error'
import { checkFields, type FieldLists } from '../requests/check-fields'
import { integer } from '../requests/common-fields'
import { assertModel, type ServedModel } from '../requests/generation-request'
import { parseBody } from '../requests/parse-body'

const text = v.pipe(v.string(), v.nonEmpty('must not be empty'))
const ids = v.pipe(v.array(integer(0)), v.nonEmpty('must not be empty'))

const schema = v.object({
  model: v.nullish(v.string()),
  input: v.union([text, ids, v.array(v.union([text, ids]))]),
  encoding_format: v.nullish(v.picklist(['float', 'base64'])),
})

/** OpenAI's, vLLM's and llama.cpp's fields. */
const fields: FieldLists = {
  used: Object.keys(schema.entries),
  harmless: ['user', 'metadata', 'priority', 'request_id', 'cache_salt'],
  refused: {
    dimensions: () => false,
    truncate_prompt_tokens: () => false,
    messages: () => false,
    normalize: (value) => value === true,
    use_activation: (value) => value === true,
    embed_dtype: (value) => value === 'float32',
    embd_normalize: (value) => value === 2,
    add_special_tokens: (value) => value === true,
  },
  instead: { messages: 'input', prompt: 'input', content: 'input' },
}

export interface EmbeddingsRequest {
  inputs: Prompt[]
  encoding: 'float' | 'base64'
}

/**
 * The body of a request for embeddings: one text or more, or their ids.
 *
 * @throws ApiError
 */
export function parseEmbeddings(body: string, served: ServedModel): EmbeddingsRequest {
  const { input, model, encoding_format } = parseBody(schema, body, (given) => checkFields(given, fields))
  assertModel(served, model)
  return { inputs: inputsOf(input, served), encoding: encoding_format ?? 'float' }
}

function inputsOf(input: v.InferOutput<typeof schema>['input'], { mostPrompts }: ServedModel): Prompt[] {
  if (typeof input === 'string' || typeof input[0] === 'number') return [input as string | number[]]
  const several = input as (string | number[])[]
  if (several.length > 0 && several.length <= mostPrompts) return several
  throw new ApiError(400, `input must have from 1 to ${mostPrompts} texts, not ${several.length}.`, { param: 'input' })
}

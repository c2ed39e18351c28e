import { hasHiddenStates, longestMeanText, meanHiddenState } from '@outrider/transformer'
import type { Context } from 'hono'
import { ApiError } from '../api-error'
import type { AppOptions } from '../app'
import { clientOf } from '../client'
import { jsonBody } from '../json-body'
import { recordOf } from '../operators/request-record'
import { promptIds } from '../requests/prompt-ids'
import { parseEmbeddings } from './parse'

/**
 * Answers `/v1/embeddings`: of each text the mean of its last hidden states, of length 1, as OpenAI's, vLLM's and llama.cpp's are.
 */
export async function embeddings(c: Context, { served, passes }: AppOptions): Promise<Response> {
  const { name, target } = served
  const { inputs, encoding } = parseEmbeddings(await jsonBody(c), served)
  if (!hasHiddenStates(target.model))
    throw new ApiError(400, `"${name}" shows no hidden states to make embeddings of.`, { code: 'no_embeddings' })
  const texts: number[][] = []
  for (const [at, input] of inputs.entries()) {
    const param = inputs.length > 1 ? `input.${at}` : 'input'
    const ids = await promptIds(served, input, param)
    if (ids.length > longestMeanText)
      throw new ApiError(
        400,
        `${param} has ${ids.length} tokens; an embedding is of ${longestMeanText} at most. Split it.`,
        {
          param,
          code: 'context_length_exceeded',
        },
      )
    texts.push(ids)
  }
  const client = clientOf(c)
  const leaving = new AbortController()
  client.onLeave(() => leaving.abort())
  const vectors = await Promise.all(
    texts.map((ids) =>
      passes.run((signal) => (signal.aborted ? nobody : meanHiddenState(target, ids).then(unit)), leaving.signal),
    ),
  )
  if (client.left) return c.body(null)
  const tokens = texts.reduce((sum, { length }) => sum + length, 0)
  recordOf(c).promptTokens = tokens
  return c.json({
    object: 'list',
    data: vectors.map((vector, index) => ({ object: 'embedding', index, embedding: written(vector, encoding) })),
    model: name,
    usage: { prompt_tokens: tokens, total_tokens: tokens },
  })
}

const nobody = Promise.resolve(new Float32Array())

/** Of length 1; what has none stays. */
function unit(vector: Float32Array): Float32Array {
  const length = Math.hypot(...vector)
  return length > 0 ? vector.map((value) => value / length) : vector
}

function written(vector: Float32Array, encoding: 'float' | 'base64'): number[] | string {
  if (encoding === 'float') return [...vector]
  const bytes = new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength) // little-endian, as WebGPU's hosts are
  let text = ''
  for (const byte of bytes) text += String.fromCharCode(byte)
  return btoa(text)
}

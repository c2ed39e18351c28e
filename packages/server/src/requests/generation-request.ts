import { OutriderError } from '@outrider/tensor'
import {
  type CausalLM,
  type GenerationConfig,
  type PretrainedModel,
  type Prompt,
  promptTokensInSlices,
} from '@outrider/transformer'
import { ApiError, toApiError } from '../api-error'
import type { CommonFields } from './common-fields'
import { oneAtATime } from './one-at-a-time'

/** What the engine is asked for, however the client said it. */
export interface GenerationRequest {
  /** Token ids. */
  prompt: readonly number[]
  maxTokens: number
  temperature: number
  topP: number
  topK: number
  seed: number
  /** Whether the client chose the seed, and so expects the same answer again. */
  seeded: boolean
  stop: readonly string[]
  /** Score tokens, and report so many of the likeliest; undefined not to. */
  logProbabilities: number | undefined
  /** Whether the answer says the ids of its tokens, and of the prompt's. */
  tokenIds?: boolean
  /** Tokens drafted for a block; 0 decodes plainly. Undefined: as the server decides. */
  draftLength: number | 'auto' | undefined
}

/** The model that answers, and its bounds. */
export interface ServedModel {
  /** As clients call it. */
  name: string
  target: PretrainedModel<CausalLM>
  /** The most tokens of a request, prompt and answer together. */
  contextLength: number
  hasDraft: boolean
}

export interface GenerationFields extends CommonFields {
  prompt: Prompt
  /** The name of the field that the prompt came in. */
  promptParam: 'messages' | 'prompt'
  /** Undefined for all that the context has room for. */
  maxTokens: number | undefined
  logProbabilities: number | undefined
}

/**
 * The request of the engine: the prompt as tokens, the authors' sampling (generation_config.json) where the client says
 * nothing, a seed of its own where it gives none. An answer longer than the context ends with it. A long prompt is encoded a
 * slice at a time: others are answered meanwhile.
 *
 * @throws ApiError 404 for another model, 400 for what the model cannot do
 */
export async function generationRequest(served: ServedModel, fields: GenerationFields): Promise<GenerationRequest> {
  const { generationConfig } = served.target
  const { prompt, promptParam, maxTokens, logProbabilities, seed } = fields
  assertModel(served, fields.model)
  if (fields.return_token_ids && fields.stream)
    throw new ApiError(400, 'return_token_ids is not supported with stream. Ask for the answer whole.', {
      param: 'return_token_ids',
      code: 'unsupported_parameter',
    })
  const advised: Partial<GenerationConfig> = generationConfig.doSample === false ? {} : generationConfig
  const draftLength = fields.draft_length ?? undefined
  if (draftLength !== undefined && draftLength !== 0 && !served.hasDraft)
    throw new ApiError(400, 'draft_length is given, and this server has no draft.', { param: 'draft_length' })
  const ids = await encoded(served, prompt, promptParam)
  const room = served.contextLength - ids.length
  return {
    prompt: ids,
    maxTokens: Math.min(maxTokens ?? room, room),
    temperature: fields.temperature ?? advised.temperature ?? 1,
    topP: fields.top_p ?? (advised.topP || 1),
    topK: Math.max(0, fields.top_k ?? advised.topK ?? 0),
    // Negative seeds are seeds, too: they become others above.
    seed: seed == null ? randomSeed() : seed < 0 ? Number.MAX_SAFE_INTEGER + seed + 1 : seed,
    seeded: seed != null,
    stop: fields.stop == null ? [] : [fields.stop].flat(),
    logProbabilities,
    tokenIds: fields.return_token_ids === true,
    draftLength,
  }
}

/** Of 47 bits. */
function randomSeed(): number {
  const [high, low] = crypto.getRandomValues(new Uint32Array(2))
  return (high! % 2 ** 15) * 2 ** 32 + low!
}

/** @throws ApiError 404 */
export function assertModel({ name }: Pick<ServedModel, 'name'>, asked: string | null | undefined): void {
  if (asked == null || asked === name) return
  throw new ApiError(
    404,
    `The model ${JSON.stringify(asked.slice(0, 200))} does not exist; this server has "${name}".`,
    {
      param: 'model',
      code: 'model_not_found',
    },
  )
}

async function encoded({ target, contextLength }: ServedModel, prompt: Prompt, param: string): Promise<number[]> {
  const tooLong = (size: string) =>
    new ApiError(
      400,
      `This model's longest request has ${contextLength} tokens, prompt and answer together; the prompt has ${size}.`,
      { param, code: 'context_length_exceeded' },
    )
  // What cannot fit however well it is encoded is not encoded.
  const characters = charactersOf(prompt)
  if (characters > contextLength * longestPiece(target)) throw tooLong(`${characters} characters`)
  try {
    const encode = () => promptTokensInSlices(target, prompt)
    const ids = await (characters > longPrompt ? turnsOf(target)(encode) : encode())
    if (ids.length < contextLength) return ids
    throw tooLong(`${ids.length} tokens`)
  } catch (error) {
    if (!(error instanceof OutriderError)) throw error
    const { message, status } = toApiError(error)
    throw new ApiError(status, message, {
      param,
      ...(error.code === 'CONTEXT_OVERFLOW' && { code: 'context_length_exceeded' }),
    })
  }
}

/** Characters from which on prompts wait for one another: on one thread none is done sooner, and each takes memory. */
const longPrompt = 2 ** 16

const turns = new WeakMap<object, ReturnType<typeof oneAtATime>>()

function turnsOf({ tokenizer }: Pick<PretrainedModel, 'tokenizer'>): ReturnType<typeof oneAtATime> {
  const known = turns.get(tokenizer) ?? oneAtATime()
  turns.set(tokenizer, known)
  return known
}

function charactersOf(prompt: Prompt): number {
  if (typeof prompt === 'string') return prompt.length
  return prompt.reduce<number>((sum, part) => sum + (typeof part === 'number' ? 1 : part.content.length), 0)
}

const longestPieces = new WeakMap<object, number>()

/** Characters of the longest token. */
function longestPiece({ tokenizer }: Pick<PretrainedModel, 'tokenizer'>): number {
  let longest = longestPieces.get(tokenizer) ?? 0
  if (longest > 0) return longest
  for (let id = 0; id < tokenizer.vocabularySize; id++)
    longest = Math.max(longest, tokenizer.idToToken(id)?.length ?? 0)
  longestPieces.set(tokenizer, longest)
  return longest
}

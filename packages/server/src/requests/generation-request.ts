import type {
  CausalLM,
  GenerationConfig,
  PretrainedModel,
  Prompt,
  SamplingOptions,
  TokenConstraint,
} from '@outrider/transformer'
import { ApiError } from '../api-error'
import type { ToolForm } from '../tools/tool-form'
import type { CommonFields } from './common-fields'
import { promptIds } from './prompt-ids'

/** What the engine is asked for, however the client said it. */
export interface GenerationRequest
  extends Pick<SamplingOptions, 'minP' | 'logitBias' | 'presencePenalty' | 'frequencyPenalty' | 'repetitionPenalty'> {
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
  /** Among whom what the prompt begins with is shared. Default all who say nothing. */
  prefixScope?: string | undefined
  /** Score tokens, and report so many of the likeliest; undefined not to. */
  logProbabilities: number | undefined
  /** Which tokens may be said. */
  constraint?: TokenConstraint | undefined
  /** The form of calls that are looked for in the answer; undefined to leave it as it is. */
  toolForm?: ToolForm | undefined
  /** What is told beside the text. */
  told?: ToldBeside
  /** Tokens drafted for a block; 0 decodes plainly. Undefined: as the server decides. */
  draftLength: number | 'auto' | undefined
}

/** What an answer tells beside its text. */
export interface ToldBeside {
  /** The ids of its tokens, and of the prompt's. */
  tokenIds: boolean
  /** Names of tokens in log-probabilities are `token_id:5`. */
  tokensAsIds: boolean
  /** Scores of the prompt's tokens, with so many of the likeliest; undefined for none. */
  promptLogProbabilities: number | undefined
  /** The prompt's text comes before the answer's. */
  echo: boolean
}

/** The model that answers, and its bounds. */
export interface ServedModel {
  /** As clients call it. */
  name: string
  target: PretrainedModel<CausalLM>
  /** The most tokens of a request, prompt and answer together. */
  contextLength: number
  /** The most of the likeliest tokens told for a place. */
  maxLogprobs: number
  /** The most prompts of one request: there must be room for all of them in the queue. */
  mostPrompts: number
  /** The most answers to one prompt. */
  mostChoices: number
  hasDraft: boolean
}

export interface GenerationFields extends CommonFields {
  prompt: Prompt
  /** The name of the field that the prompt came in. */
  promptParam: 'messages' | 'prompt' | 'input'
  /** What the client set. */
  maxTokens: number | undefined
  /** Where it set nothing. Default all that the context has room for. */
  defaultMaxTokens?: number | undefined
  logProbabilities: number | undefined
  /** The field that `maxTokens` came in. Default max_tokens. */
  maxTokensParam?: string
  constraint?: TokenConstraint | undefined
  /** Tools that the prompt tells of, and the form of calls. */
  tools?: readonly object[] | undefined
  toolForm?: ToolForm | undefined
  /** Completions': the prompt's text comes before the answer's. */
  echo?: boolean | null | undefined
}

/**
 * The request of the engine: the prompt as tokens, the authors' sampling (generation_config.json) where the client says
 * nothing, a seed of its own where it gives none. A long prompt is encoded a
 * slice at a time: others are answered meanwhile.
 *
 * @throws ApiError 404 for another model, 400 for what the model cannot do
 */
export async function generationRequest(served: ServedModel, fields: GenerationFields): Promise<GenerationRequest> {
  const { generationConfig } = served.target
  const { prompt, promptParam, maxTokens, logProbabilities, seed } = fields
  assertModel(served, fields.model)
  if (fields.stream && fields.prompt_logprobs != null)
    throw new ApiError(
      400,
      'prompt_logprobs is not supported with stream: it stands beside whole answers, as in vLLM. Ask for the answer whole, or for echo with logprobs.',
      { param: 'prompt_logprobs', code: 'unsupported_parameter' },
    )
  assertCount(served, 'prompt_logprobs', fields.prompt_logprobs)
  const advised: Partial<GenerationConfig> = generationConfig.doSample === false ? {} : generationConfig
  const draftLength = fields.draft_length ?? undefined
  if (draftLength !== undefined && draftLength !== 0 && !served.hasDraft)
    throw new ApiError(400, 'draft_length is given, and this server has no draft.', { param: 'draft_length' })
  const ids = await promptIds(served, prompt, promptParam, fields.tools)
  const room = served.contextLength - ids.length
  if (maxTokens !== undefined && maxTokens > room) throw tooMany(served, fields, ids.length)
  return {
    prompt: ids,
    maxTokens: maxTokens ?? Math.min(fields.defaultMaxTokens ?? room, room),
    temperature: fields.temperature ?? advised.temperature ?? 1,
    topP: fields.top_p ?? (advised.topP || 1),
    topK: Math.max(0, fields.top_k ?? advised.topK ?? 0),
    minP: fields.min_p ?? advised.minP ?? 0,
    logitBias: biasOf(served, fields.logit_bias),
    presencePenalty: fields.presence_penalty ?? 0,
    frequencyPenalty: fields.frequency_penalty ?? 0,
    repetitionPenalty: fields.repetition_penalty ?? advised.repetitionPenalty ?? 1,
    // Negative seeds are seeds, too: they become others above.
    seed: seed == null ? randomSeed() : seed < 0 ? Number.MAX_SAFE_INTEGER + seed + 1 : seed,
    seeded: seed != null,
    stop: fields.stop == null ? [] : [fields.stop].flat(),
    prefixScope: fields.cache_salt ?? '',
    logProbabilities,
    constraint: fields.constraint,
    toolForm: fields.toolForm,
    told: {
      tokenIds: fields.return_token_ids === true,
      tokensAsIds: fields.return_tokens_as_token_ids === true,
      promptLogProbabilities: fields.prompt_logprobs ?? (fields.echo ? logProbabilities : undefined),
      echo: fields.echo === true,
    },
    draftLength,
  }
}

/** As OpenAI's, vLLM's and SGLang's servers refuse it: an answer that cannot be as long as was asked for is none that was asked for. */
function tooMany({ contextLength }: ServedModel, fields: GenerationFields, prompt: number): ApiError {
  const { maxTokens = 0, maxTokensParam: param = 'max_tokens' } = fields
  return new ApiError(
    400,
    `This model's longest request has ${contextLength} tokens, prompt and answer together; you asked for ${prompt + maxTokens}: ${prompt} in the prompt, ${maxTokens} in the answer. Ask for ${contextLength - prompt} at most, or leave ${param} out.`,
    { param, code: 'context_length_exceeded' },
  )
}

/** @throws ApiError 400 where more of the likeliest tokens are asked for than are told */
export function assertCount({ maxLogprobs }: ServedModel, param: string, count: number | null | undefined): void {
  if (count == null || count <= maxLogprobs) return
  throw new ApiError(
    400,
    `${param} must be at most ${maxLogprobs}, not ${count}. Whoever runs the server raises that by --max-logprobs.`,
    { param },
  )
}

/** @throws ApiError 400 for an id that the model does not have */
function biasOf({ target }: ServedModel, bias: GenerationFields['logit_bias']): Record<number, number> {
  const { vocabularySize } = target.config
  for (const id of Object.keys(bias ?? {}))
    if (Number(id) >= vocabularySize)
      throw new ApiError(400, `logit_bias has the id ${id}; the model has ids below ${vocabularySize}.`, {
        param: 'logit_bias',
      })
  return bias ?? {}
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

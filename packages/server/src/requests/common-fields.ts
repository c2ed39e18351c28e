import * as v from 'valibot'

const atLeast = (least: number) => v.minValue<number, number, string>(least, `must be at least ${least}`)
const atMost = (most: number) => v.maxValue<number, number, string>(most, `must be at most ${most}`)
const whole = v.integer('must be a whole number')

/** A whole number in a range. */
export const integer = (least: number, most = Number.MAX_SAFE_INTEGER) =>
  v.pipe(v.number(), whole, v.safeInteger('is too large'), atLeast(least), atMost(most))

const within = (least: number, most: number) =>
  v.pipe(v.number(), v.finite('must be finite'), atLeast(least), atMost(most))

const tokenId = v.pipe(v.string(), v.regex(/^\d{1,9}$/, 'has a name that is no id of a token'))

const stopText = v.pipe(v.string(), v.nonEmpty('must not be empty'), v.maxLength(1000, 'is too long'))

/** What both kinds of completion take. Fields that are absent or null have their defaults. */
export const commonFields = {
  model: v.nullish(v.string()),
  max_tokens: v.nullish(integer(1)),
  temperature: v.nullish(v.pipe(v.number(), v.finite('must be finite'), atLeast(0))),
  top_p: v.nullish(v.pipe(v.number(), v.gtValue(0, 'must be above 0'), atMost(1))),
  /** −1 and 0 are all tokens, as vLLM has it. */
  top_k: v.nullish(integer(-1)),
  /** As vLLM and llama.cpp have it. */
  min_p: v.nullish(within(0, 1)),
  presence_penalty: v.nullish(within(-2, 2)),
  frequency_penalty: v.nullish(within(-2, 2)),
  /** As vLLM has it: of prompt and answer; positive logits are divided by it. */
  repetition_penalty: v.nullish(v.pipe(v.number(), v.finite('must be finite'), v.gtValue(0, 'must be above 0'))),
  logit_bias: v.nullish(v.record(tokenId, within(-100, 100))),
  /** Answers to each prompt. */
  n: v.nullish(integer(1)),
  seed: v.nullish(integer(Number.MIN_SAFE_INTEGER)),
  stop: v.nullish(v.union([stopText, v.pipe(v.array(stopText), v.maxLength(16, 'has more than 16 texts'))])),
  stream: v.nullish(v.boolean()),
  /** As vLLM has it: the ids of prompt and answer, beside the text. */
  return_token_ids: v.nullish(v.boolean()),
  /** As vLLM has it: tokens are named by their ids in log-probabilities, which no two have in common. */
  return_tokens_as_token_ids: v.nullish(v.boolean()),
  /** As vLLM has it: what the model thought of each token of the prompt, and so many of the likeliest there. */
  prompt_logprobs: v.nullish(integer(0)),
  stream_options: v.nullish(
    v.object({ include_usage: v.nullish(v.boolean()), continuous_usage_stats: v.nullish(v.boolean()) }),
  ),
  /** As vLLM has it: what the prompt begins with is shared with requests of the same salt only. */
  cache_salt: v.nullish(v.pipe(v.string(), v.nonEmpty('must not be empty'), v.maxLength(1000, 'is too long'))),
  /** Ours: γ of this request; 0 decodes without the draft. */
  draft_length: v.nullish(v.union([v.literal('auto'), integer(0, 15)])),
}

export type CommonFields = v.InferOutput<v.ObjectSchema<typeof commonFields, undefined>>

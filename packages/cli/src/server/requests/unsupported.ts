import { ApiError } from '../api-error'

const absent = (value: unknown) => value === undefined || value === null
const is =
  (...neutral: unknown[]) =>
  (value: unknown) =>
    neutral.includes(value)
const isEmpty = (value: unknown) => typeof value === 'object' && Object.keys(value as object).length === 0
const isText = (value: unknown) => (value as { type?: unknown }).type === 'text'

/**
 * Fields of the API that change answers and are not implemented, with the values that ask for nothing. A client that relies
 * on one is told, rather than given another answer than it asked for.
 */
const unsupported: Readonly<Record<string, (value: unknown) => boolean>> = {
  n: is(1),
  best_of: is(1),
  echo: is(false),
  suffix: is(''),
  frequency_penalty: is(0),
  presence_penalty: is(0),
  repetition_penalty: is(1),
  min_p: is(0),
  min_tokens: is(0),
  logit_bias: isEmpty,
  tools: isEmpty,
  functions: isEmpty,
  response_format: isText,
  stop_token_ids: isEmpty,
  ignore_eos: is(false),
  prompt_logprobs: () => false,
  use_beam_search: is(false),
}

/** @throws ApiError 400 for a field that is not implemented and asks for something */
export function refuseUnsupported(body: Readonly<Record<string, unknown>>): void {
  for (const [param, isNeutral] of Object.entries(unsupported))
    if (!absent(body[param]) && !isNeutral(body[param]))
      throw new ApiError(400, `${param} is not supported by this server.`, { param, code: 'unsupported_parameter' })
}

import { OutriderError } from '@outrider/tensor'
import type { Example } from '../../tokenize/example'
import { learnedPlaces } from '../../top-tokens/top-tokens'
import type { PatientAsking } from '../ask-each'
import { type Post, RequestFailure } from '../http'
import { echoedLogprobs, echoedText } from './echoed-logprobs'
import { llamaCppCompletion } from './llama-cpp'
import { promptLogprobs } from './prompt-logprobs'
import { sglangGenerate } from './sglang'
import type { AskedAbout, Teacher } from './teacher'

/** Ways of asking, as one after the other is tried. */
const teachers: readonly Teacher[] = [promptLogprobs, sglangGenerate, llamaCppCompletion, echoedLogprobs, echoedText]

/**
 * Finds out how an engine says what it thinks, by asking about two tokens of a row in one way after the other.
 *
 * @param asking  the pace of the engine, and how patiently it is asked
 * @throws OutriderError UNSUPPORTED with what to set on the server, where it says that in none
 */
export async function teacherOf(
  post: Post,
  asking: PatientAsking,
  about: AskedAbout,
  row: Example,
  signal?: AbortSignal,
): Promise<Teacher> {
  const place = learnedPlaces(row)[0]!
  const tokens = row.tokens.slice(0, place + 1)
  const asked = { tokens, lossMask: tokens.map((_, i) => (i === place ? 1 : 0)) }
  const refusals: { name: string; failure: RequestFailure }[] = []
  for (const teacher of teachers)
    try {
      await teacher.topTokens(asking.post(twiceBroken(post)), about, asked, signal)
      return teacher
    } catch (failure) {
      if (!(failure instanceof RequestFailure) || failure.kind === 'broken' || failure.kind === 'busy') throw failure
      if (failure.status === 401 || failure.status === 403) throw failure
      refusals.push({ name: teacher.name, failure })
    }
  throw unsupported(about, refusals)
}

/** Some answer 500 to what they do not understand (llama-cpp-python, to ids): said twice, it is a refusal. */
function twiceBroken(post: Post): Post {
  let times = 0
  return async (url, body, signal) => {
    try {
      return await post(url, body, signal)
    } catch (error) {
      if (!(error instanceof RequestFailure) || error.status !== 500 || ++times < 2) throw error
      throw new RequestFailure(error.message, 'refused', error.status)
    }
  }
}

function unsupported(
  { model, k }: AskedAbout,
  refusals: readonly { name: string; failure: RequestFailure }[],
): OutriderError {
  // Routes that are not there say nothing, where another is.
  const there = refusals.filter(({ failure }) => failure.kind !== 'closed')
  const said = (there.length > 0 ? there : refusals).map(
    ({ name, failure }) => `Asked for ${name}: ${failure.message.split('\n', 1)[0]!.slice(0, 200)}`,
  )
  const fewer = k > 5 ? `, or ask for fewer (--top ${k > 20 ? 20 : 5})` : ''
  return new OutriderError(
    'UNSUPPORTED',
    `The endpoint of ${model} does not say the ${k} likeliest tokens in every place of a row. ${said.join(' ')}`,
    {
      remedy: `Start vLLM or outrider serve with --max-logprobs ${k} or more${fewer}. llama-cpp-python needs --logits_all true. SGLang and llama.cpp's own server have no limit; where none of these is at hand, have one of them score the answers.`,
      cause: refusals[0]?.failure,
    },
  )
}

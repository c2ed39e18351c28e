import { OutriderError } from '@outrider/tensor'
import type { Tokenizer } from '@outrider/transformer'
import { idsIn } from './chat-answer'
import { type Post, RequestFailure } from './http'

/** Words, spaces, numbers, code, accents, other scripts and a picture: where tokenizers part. */
export const telling = [
  'The quick brown fox jumps over 12,345 lazy dogs.',
  '  def f(x):\n\treturn x ** 2  # naïve, übung, žluťoučký\n',
  '今日は世界 Привет мир مرحبا 🙂',
]

interface Asked {
  post: Post
  base: string
  root: string
  model: string
  tokenizer: Tokenizer
}

/**
 * Makes sure that a tokenizer is the endpoint's, by the ids that the endpoint has for a few texts: by `/tokenize` of vLLM and
 * llama.cpp, `/extras/tokenize` of llama-cpp-python, or as the ids of a prompt of `/completions`. An endpoint that has none of
 * these tells nothing, and is taken at its word.
 *
 * @throws OutriderError VOCABULARY_MISMATCH
 */
export async function assertSameTokenizer(asked: Asked, signal?: AbortSignal): Promise<void> {
  const { tokenizer, model } = asked
  for (const text of telling) {
    const theirs = await idsOf(asked, text, signal)
    if (theirs === undefined) return
    const plain = tokenizer.encode(text, { addSpecialTokens: false })
    // Some write what begins a text, some do not, however they are asked.
    if (isSame(theirs, plain) || isSame(theirs, tokenizer.encode(text))) continue
    throw new OutriderError(
      'VOCABULARY_MISMATCH',
      `The tokenizer is not that of ${model} at the endpoint: ${JSON.stringify(text)} is ${some(theirs)} there, and ${some(plain)} here.`,
      { remedy: 'Give the directory of the model that the endpoint serves.' },
    )
  }
}

/** Ways to be told ids, as one after the other is tried. */
const ways: ((asked: Asked, text: string) => { url: string; body: object; ids: (json: unknown) => unknown })[] = [
  ({ root, model }, text) => ({
    url: `${root}/tokenize`,
    // vLLM's names, then llama.cpp's.
    body: { model, prompt: text, add_special_tokens: false, content: text, add_special: false },
    ids: (json) => (json as { tokens?: unknown }).tokens,
  }),
  ({ root }, text) => ({
    url: `${root}/extras/tokenize`,
    body: { input: text },
    ids: (json) => (json as { tokens?: unknown }).tokens,
  }),
  ({ base, model }, text) => ({
    url: `${base}/completions`,
    body: { model, prompt: text, max_tokens: 1, temperature: 0, return_token_ids: true },
    ids: (json) => (json as { choices?: { prompt_token_ids?: unknown }[] }).choices?.[0]?.prompt_token_ids,
  }),
]

async function idsOf(asked: Asked, text: string, signal: AbortSignal | undefined): Promise<number[] | undefined> {
  for (const way of ways) {
    const { url, body, ids } = way(asked, text)
    try {
      const found = idsIn(ids(await asked.post(url, body, signal)))
      if (found) return found
    } catch (error) {
      if (!(error instanceof RequestFailure) || (error.kind !== 'refused' && error.kind !== 'closed')) throw error
    }
  }
  return undefined
}

const isSame = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((id, i) => id === b[i])

const some = (ids: readonly number[]): string => `${ids.slice(0, 8).join(' ')}${ids.length > 8 ? ' …' : ''}`

import {
  gather,
  logSoftmax,
  maximum,
  minimum,
  multiply,
  relu,
  subtract,
  sum,
  type Tensor,
  topK,
} from '@outrider/tensor'
import type { CausalLM, KvCache } from '../model/index'
import type { PretrainedModel } from '../pretrained/index'
import { throwIfAborted } from './generate'
import { checkedCount, type ScoredToken } from './log-probabilities'
import { checkPrompt } from './prompt'
import { notFiniteLogits } from './sample'

/** A token of a prompt as the model saw it come. */
export interface ScoredPromptToken extends ScoredToken {
  /**
   * Its place among all tokens by their probability, from 1: among the likeliest their order, elsewhere the number of tokens at
   * least as likely, itself included.
   */
  rank: number
}

export interface ScorePromptOptions {
  /** How many of the likeliest tokens are wanted in each place. Default 0. */
  logProbabilities?: number | undefined
  /** Breaks off between two pieces of the prompt. */
  signal?: AbortSignal | undefined
}

/** Bytes of logits held at a time; sums and ranks take a few times as much while they are computed. */
const pieceBytes = 8 * 2 ** 20

/**
 * What a model thinks of a text that is there: for every token but the first, which nothing comes before, ln softmax of the
 * logits after the tokens before it, untouched by temperature or cuts. The prompt is read in pieces, so that logits of all of it
 * are never held.
 *
 * @param prompt  ids (`promptTokens`)
 * @returns one entry for each token from the second on
 * @throws OutriderError INVALID_ARGUMENT, CONTEXT_OVERFLOW for ids that are no prompt; NOT_FINITE where the logits are no numbers;
 *   ABORTED when the signal fires
 */
export async function scorePrompt(
  { model, config }: Pick<PretrainedModel<CausalLM>, 'model' | 'config'>,
  prompt: readonly number[],
  { logProbabilities = 0, signal }: ScorePromptOptions = {},
): Promise<ScoredPromptToken[]> {
  checkPrompt(config, prompt)
  const count = Math.min(checkedCount(logProbabilities)!, config.vocabularySize)
  const read = prompt.length - 1
  if (read === 0) return []
  const rows = Math.max(1, Math.min(256, Math.floor(pieceBytes / (4 * config.vocabularySize))))
  const cache = model.createCache({ capacity: read, context: config.contextLength })
  try {
    const scored: ScoredPromptToken[] = []
    for (let from = 0; from < read; from += rows) {
      throwIfAborted(signal)
      scored.push(...(await scorePiece(model, cache, prompt.slice(from, Math.min(from + rows, read) + 1), count)))
    }
    return scored
  } finally {
    cache.dispose()
  }
}

/** @param tokens  those that are read, and after them the one that is scored last */
async function scorePiece(model: CausalLM, cache: KvCache, tokens: readonly number[], count: number) {
  const { device } = model
  const rows = tokens.length - 1
  const reading = device.scope(() => {
    const ids = device.tensor(Uint32Array.from(tokens.slice(0, -1)), { shape: [1, rows] })
    const next = device.tensor(Uint32Array.from(tokens.slice(1)))
    const logits = model.forward(ids, { cache }) // [1, rows, vocabulary]
    const scores = logSoftmax(logits.reshape([rows, logits.size / rows])) // [rows, vocabulary]
    const own = gather(scores, next) // [rows]
    const top = count > 0 ? topK(scores, count) : undefined // [rows, count]
    return device.read([own, lessLikely(scores, own), ...(top ? [top.indices, top.values] : [])])
  })
  const [own, less, indices, values] = await reading
  const [ownScores, lessCounts] = [new Float32Array(own!), new Float32Array(less!)]
  const [likely, likelyScores] = [new Uint32Array(indices ?? empty), new Float32Array(values ?? empty)]
  const { vocabularySize } = model.config
  return tokens.slice(1).map((token, row): ScoredPromptToken => {
    const logProbability = ownScores[row]!
    if (Number.isNaN(logProbability)) throw notFiniteLogits('The model')
    const likeliest = Array.from({ length: count }, (_, place) => ({
      token: likely[row * count + place]!,
      logProbability: likelyScores[row * count + place]!,
    }))
    const place = likeliest.findIndex((one) => one.token === token)
    return { token, logProbability, likeliest, rank: place >= 0 ? place + 1 : vocabularySize - lessCounts[row]! }
  })
}

/** In each row, how many scores are below its own: f32 [rows, columns], [rows] → [rows]. Whole numbers below 2²⁴ are exact. */
function lessLikely(scores: Tensor, own: Tensor): Tensor {
  // No infinity: what a head does not cover has the score −∞. At most 1 before it is stretched to what is 0 or at least 1.
  const finite = (x: Tensor) => maximum(x, -1e30)
  const below = minimum(relu(subtract(finite(own).reshape([own.size, 1]), finite(scores))), 1)
  return sum(minimum(multiply(below, 1e30), 1), { axis: -1 })
}

const empty = new ArrayBuffer(0)

import { readAll } from '@outrider/tensor'
import type { PretrainedModel } from '@outrider/transformer'

/** What a model here says after every token of a row, in float64 from its logits. */
export class Reference {
  readonly #computed = new Map<string, Promise<Float64Array[]>>()

  constructor(readonly target: PretrainedModel) {}

  /** ln q after each of these tokens, [tokens][vocabulary]. */
  logQ(tokens: readonly number[]): Promise<Float64Array[]> {
    const key = tokens.join()
    const found = this.#computed.get(key) ?? this.#compute(tokens)
    this.#computed.set(key, found)
    return found
  }

  async #compute(tokens: readonly number[]): Promise<Float64Array[]> {
    const { model, config } = this.target
    const read = new Uint32Array(Math.ceil(tokens.length / 32) * 32) // few shapes
    read.set(tokens)
    const logits = model.device.scope(() => model.forward(model.device.tensor(read, { shape: [1, read.length] })))
    const [values] = await readAll([logits])
    logits.dispose()
    const columns = config.vocabularySize
    return tokens.map((_, i) =>
      logSoftmax(Float64Array.from((values as Float32Array).subarray(i * columns, (i + 1) * columns))),
    )
  }
}

function logSoftmax(logits: Float64Array): Float64Array {
  const most = logits.reduce((most, z) => Math.max(most, z))
  const sum = logits.reduce((sum, z) => sum + Math.exp(z - most), 0)
  return logits.map((z) => z - most - Math.log(sum))
}

/** Ids, the likeliest first. */
export const inOrder = (logQ: Float64Array): number[] => [...logQ.keys()].sort((a, b) => logQ[b]! - logQ[a]! || a - b)

export interface Cut {
  temperature: number
  topP: number
  /** Whether top-p cuts before the temperature is applied. */
  cutsFirst: boolean
}

/** What is drawn from: probabilities by id, and those of the tokens at the very edge of the cut, by their ids. */
export function drawnFrom(
  logQ: Float64Array,
  { temperature, topP, cutsFirst }: Cut,
): { p: Float64Array; edge: number[] } {
  const warm = probabilities(logQ.map((x) => x / temperature))
  const cutBy = cutsFirst ? probabilities(logQ) : warm
  const order = inOrder(logQ)
  const p = new Float64Array(logQ.length)
  const edge: number[] = []
  let before = 0
  for (const id of order) {
    // The smallest set whose probabilities come to topP: those before which less than that was passed.
    if (before < topP) p[id] = warm[id]!
    if (Math.abs(before - topP) < edgeWidth) edge.push(id)
    before += cutBy[id]!
  }
  const sum = p.reduce((sum, x) => sum + x, 0)
  return { p: p.map((x) => x / sum), edge }
}

/** What roundings may move the sum of probabilities by. */
const edgeWidth = 1e-4

function probabilities(scores: Float64Array): Float64Array {
  const values = logSoftmax(scores)
  return values.map((x) => Math.exp(x))
}

import { headLogits, logSoftmax, readAll, slice, type Tensor, takeRows, topK } from '@outrider/tensor'
import { type CausalLM, hasHiddenStates } from '@outrider/transformer'
import type { Example } from '../tokenize/example'
import { learnedPlaces, restOf, type TopOfPlaces } from './top-tokens'

/** Logits that are held at a time. */
const chunkBytes = 2 ** 26
/** Rows of a sequence are a multiple of this, so that few shapes occur. */
const lengthStep = 8

/** What a model here thinks of a row's learned tokens; a row is computed alone, so that nothing beside it has a say in its bits. */
export async function modelTopTokens(model: CausalLM, row: Example, k: number): Promise<TopOfPlaces> {
  const { device } = model
  const places = learnedPlaces(row)
  const read = new Uint32Array(Math.ceil(places.at(-1)! / lengthStep) * lengthStep)
  read.set(row.tokens.slice(0, places.at(-1)!))
  const parts = device.scope(() => {
    const tokens = device.tensor(read, { shape: [1, read.length] })
    const positions = device.tensor(Uint32Array.from(places, (place) => place - 1))
    const isHidden = hasHiddenStates(model)
    const all = isHidden ? model.hidden(tokens) : model.forward(tokens) // [1, length, hidden or vocabulary]
    const states = takeRows(all.reshape([read.length, all.shape[2]!]), positions)
    const logitsOf = (states: Tensor) => (isHidden ? headLogits(model.head(), states) : states)
    const most = Math.max(1, Math.floor(chunkBytes / 4 / model.config.vocabularySize))
    const parts: Tensor[] = []
    for (let start = 0; start < places.length; start += most) {
      const count = Math.min(most, places.length - start)
      const { values, indices } = device.scope(() => topK(logSoftmax(logitsOf(slice(states, { start, count }))), k))
      parts.push(values, indices)
    }
    return parts
  })
  const data = await readAll(parts)
  for (const part of parts) part.dispose()
  const logProbabilities = new Float32Array(places.length * k)
  const ids = new Uint32Array(places.length * k)
  let at = 0
  for (let i = 0; i < data.length; i += 2) {
    logProbabilities.set(data[i]! as Float32Array, at)
    ids.set(data[i + 1]! as Uint32Array, at)
    at += data[i]!.length
  }
  return { ids, logProbabilities, logRest: Float32Array.from(places, (_, i) => restOf(logProbabilities, i * k, k)) }
}

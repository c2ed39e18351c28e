import type { CausalLM } from '../../model/index'

/** ln of the probabilities of the token after each of the ids, [ids][vocabulary], in float64 from the model's logits. */
export async function logProbabilities(model: CausalLM, ids: readonly number[]): Promise<number[][]> {
  const { device, config } = model
  const logits = device.scope(() => model.forward(device.tensor(Uint32Array.from(ids), { shape: [1, ids.length] })))
  const values = (await logits.data()) as Float32Array
  logits.dispose()
  const { vocabularySize } = config
  return ids.map((_, row) => {
    const part = Array.from(values.subarray(row * vocabularySize, (row + 1) * vocabularySize))
    const top = Math.max(...part)
    const total = top + Math.log(part.reduce((sum, value) => sum + Math.exp(value - top), 0))
    return part.map((value) => value - total)
  })
}

import type { ModelConfig } from '../config/index'
import { type OnWarning, warnOfKeys } from '../files/file-warning'
import { storedToFloats } from '../files/index'
import type { Rows, Weights } from './weights'

const table = 'model.embed_tokens.weight'
const head = 'lm_head.weight'

/** Rows that are compared at once, after the first few, in which heads of their own differ. */
const rowsAtOnce = 4096

/**
 * What transformers 5 makes of a model whose config.json ties its head to the embedding: a head in the file counts, unless it is
 * the embedding again; and where the head alone is there, it is the embedding, too.
 */
export async function resolveTiedHead(
  config: ModelConfig,
  weights: Weights,
  file: string,
  onWarning?: OnWarning,
): Promise<{ config: ModelConfig; weights: Weights }> {
  const stored = weights.tensors.get(head)
  if (!config.tieWordEmbeddings || !stored) return { config, weights }
  if (!weights.tensors.has(table)) {
    const tensors = new Map([...weights.tensors, [table, stored] as const])
    tensors.delete(head)
    const read = (name: string, rows?: Rows) => weights.read(name === table ? head : name, rows)
    return { config, weights: { ...weights, tensors, read } }
  }
  if (await areEqual(weights, table, head)) {
    const tensors = new Map(weights.tensors)
    tensors.delete(head)
    return { config, weights: { ...weights, tensors } }
  }
  const what = 'said, but the weights have a head of their own, which is used'
  warnOfKeys(onWarning, file, ['tie_word_embeddings'], what)
  return { config: { ...config, tieWordEmbeddings: false }, weights }
}

async function areEqual(weights: Weights, one: string, other: string): Promise<boolean> {
  const [a, b] = [weights.tensors.get(one)!, weights.tensors.get(other)!]
  if (a.shape.join() !== b.shape.join()) return false
  const height = a.shape[0] ?? 0
  for (let first = 0, count = 8; first < height; first += count, count = rowsAtOnce) {
    const rows = { first, count: Math.min(count, height - first) }
    const parts = await Promise.all([one, other].map((name) => weights.read(name, rows)))
    const [x, y] =
      a.dtype === b.dtype ? parts : [storedToFloats(parts[0]!, a.dtype), storedToFloats(parts[1]!, b.dtype)]
    for (let i = 0; i < x!.length; i++) if (x![i] !== y![i]) return false
  }
  return true
}

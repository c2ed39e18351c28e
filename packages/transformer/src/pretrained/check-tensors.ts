import { OutriderError } from '@outrider/tensor'
import { refuseForeignTensors } from './foreign-tensors'
import { foreignPrefix } from './stored-names'
import type { Weights } from './weights'

/**
 * Makes sure that the parameters are among the weights, in their shapes, and nothing else is that would be computed with.
 *
 * @param expected     names and shapes of the parameters
 * @param disregarded  names that may be there beside them
 * @throws OutriderError FILE_FORMAT for missing, unexpected or wrongly shaped tensors; UNSUPPORTED for weights of a kind that
 *   is not read
 */
export function checkTensors(
  { where, tensors }: Weights,
  expected: ReadonlyMap<string, readonly number[]>,
  disregarded: (name: string) => boolean,
): void {
  const fail = (message: string, remedy: string, details: Record<string, unknown>) =>
    new OutriderError('FILE_FORMAT', `${where}: ${message}.`, { remedy, details })
  // What has no elements says nothing, as some exporters leave it.
  const unexpected = [...tensors]
    .filter(([name, { shape }]) => !expected.has(name) && !disregarded(name) && !shape.includes(0))
    .map(([name]) => name)
  refuseForeignTensors(where, unexpected)
  const missing = [...expected.keys()].filter((name) => !tensors.has(name))
  if (missing.length > 0)
    throw fail(
      `the weights lack ${listed(missing)}, which the configuration calls for`,
      missingRemedy(missing, tensors.keys()),
      { missing },
    )
  for (const [name, shape] of expected) {
    const found = tensors.get(name)!.shape
    if (found.join() !== shape.join())
      throw fail(
        `tensor "${name}" is [${found.join(', ')}]; the configuration makes it [${shape.join(', ')}]`,
        isTable(name) && found[0] !== shape[0] ? `vocab_size of config.json would have to be ${found[0]}.` : mixed,
        { tensor: name, found, expected: shape },
      )
  }
  if (unexpected.length > 0)
    throw fail(
      `the weights have ${listed(unexpected)}, which the configuration does not call for`,
      unexpected.every((name) => name.endsWith('.bias')) ? biases : mixed,
      { unexpected },
    )
}

const mixed = 'Configuration and weights are of different models, or the copy is incomplete.'

const biases = 'Without these biases it is another model: config.json must say that they are there (attention_bias).'

function missingRemedy(missing: readonly string[], stored: Iterable<string>): string {
  if (missing.length === 1 && missing[0] === 'lm_head.weight')
    return 'If the embedding is the head, config.json must say so ("tie_word_embeddings": true); else use a checkpoint that was saved with its head.'
  const prefix = foreignPrefix(stored)
  return prefix === undefined
    ? mixed
    : `Its tensors are named "${prefix}…", as part of another model: save the language model alone.`
}

const isTable = (name: string) => name.includes('embed_tokens') || name.includes('lm_head')

const listed = (names: readonly string[]) =>
  `${names.length === 1 ? 'tensor' : `${names.length} tensors:`} ${names
    .slice(0, 3)
    .map((name) => `"${name}"`)
    .join(', ')}${names.length > 3 ? ', …' : ''}`

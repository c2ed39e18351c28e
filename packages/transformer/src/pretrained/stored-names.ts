import { OutriderError } from '@outrider/tensor'
import type { Weights } from './weights'

/**
 * Weights under the names that a language model's have, where they were saved by another hull of it: the model without its head
 * (no `model.` before the names, as transformers reads it too), `torch.compile` (`_orig_mod.`), `DataParallel` (`module.`).
 *
 * @throws OutriderError FILE_FORMAT where two tensors come to the same name
 */
export function withPlainNames(weights: Weights): Weights {
  const storedNames = new Map<string, string>()
  for (const stored of weights.tensors.keys()) {
    const name = plainName(stored)
    const other = storedNames.get(name)
    if (other !== undefined)
      throw new OutriderError(
        'FILE_FORMAT',
        `${weights.where}: tensors "${other}" and "${stored}" are the same parameter.`,
        {
          remedy: 'Save the model again from one program.',
          details: { tensors: [other, stored] },
        },
      )
    storedNames.set(name, stored)
  }
  return {
    ...weights,
    tensors: new Map([...storedNames].map(([name, stored]) => [name, weights.tensors.get(stored)!])),
    read: (name, rows) => weights.read(storedNames.get(name) ?? name, rows),
  }
}

function plainName(stored: string): string {
  const name = stored.replaceAll('_orig_mod.', '').replace(/^(module\.)+/, '')
  if (/^model\.(model|lm_head)\./.test(name)) return name.slice('model.'.length)
  return /^(embed_tokens|layers|norm|rotary_emb)\./.test(name) ? `model.${name}` : name
}

/** What the names of all parameters begin with beyond what they should, or undefined where they do not. */
export function foreignPrefix(names: Iterable<string>): string | undefined {
  for (const name of names) {
    const match = /^(.+?\.)(?:model\.)?(?:embed_tokens|layers\.0\.input_layernorm)\.weight$/.exec(name)
    if (match && match[1] !== 'model.') return match[1]
  }
  return undefined
}

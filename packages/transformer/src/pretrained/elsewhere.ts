import { OutriderError } from '@outrider/tensor'
import type { GgufValue } from '../files/gguf/value'
import { ggufVocabulary } from '../tokenizer/gguf/to-gguf'
import type { DraftTarget } from './create-draft'

/** An engine in which a draft cannot be used for a target, and why, as a sentence without its end. */
export interface ObstacleElsewhere {
  engine: 'transformers' | 'vLLM' | 'llama.cpp'
  what: string
}

/** A model without its weights: what `openCausalLM` and `loadCausalLM` give. */
export type ComparedElsewhere = Omit<DraftTarget, 'source' | 'model'>

/**
 * What other engines demand of a draft beside its target, and this pair does not keep. It is another question than whether it can
 * be used here (`compareVocabularies`): padding of the embedding, and which tokens begin and end a text, are no matter here.
 *
 * - transformers 5 (`_validate_assistant`) and vLLM (`verify_equal_vocab_size_if_draft_model`) want the same vocab_size;
 * - llama.cpp, when it begins to draft, the same kind of vocabulary, tokens that begin and end a text, whether they are added, and
 *   at most 128 tokens more or less, the same text at each from id 5 on; and it must be possible to write both as GGUF.
 */
export function obstaclesElsewhere(target: ComparedElsewhere, draft: ComparedElsewhere): ObstacleElsewhere[] {
  const [wanted, size] = [target.config.vocabularySize, draft.config.vocabularySize]
  const found: ObstacleElsewhere[] = []
  if (size !== wanted)
    for (const engine of ['transformers', 'vLLM'] as const)
      found.push({ engine, what: `its vocab_size is ${size}, and the target's ${wanted}, padding counted` })
  const what = inLlamaCpp(target, draft)
  if (what !== undefined) found.push({ engine: 'llama.cpp', what })
  return found
}

/** Keys of GGUF that must say the same, in words. */
const compared = {
  'ggml.model': 'kind of vocabulary',
  'ggml.add_bos_token': 'marking of where a text begins (add_bos_token)',
  'ggml.add_eos_token': 'marking of where a text ends (add_eos_token)',
  'ggml.bos_token_id': 'token that begins a text',
  'ggml.eos_token_id': 'token that ends a text',
} as const

const mostDifference = 128
const firstCompared = 5

function inLlamaCpp(target: ComparedElsewhere, draft: ComparedElsewhere): string | undefined {
  const [theirs, its] = [written(target), written(draft)]
  if (typeof its === 'string') return its
  if (typeof theirs === 'string') return undefined // of its target's own file nothing is known
  const value = (of: Written, key: string) => of.get(`tokenizer.${key}`)?.value
  for (const [key, what] of Object.entries(compared)) {
    const [a, b] = [value(theirs, key), value(its, key)]
    if (a !== b) return `its ${what} is ${String(b ?? 'none')}, and the target's ${String(a ?? 'none')}`
  }
  const [a, b] = [theirs, its].map((of) => value(of, 'ggml.tokens') as readonly string[]) as [string[], string[]]
  if (Math.abs(a.length - b.length) > mostDifference) return `it has ${b.length} tokens, and the target ${a.length}`
  for (let id = firstCompared; id < Math.min(a.length, b.length); id++)
    if (a[id] !== b[id]) return `its token ${id} is ${JSON.stringify(b[id])}, and the target's ${JSON.stringify(a[id])}`
  return undefined
}

type Written = Map<string, GgufValue>

/** The vocabulary as GGUF has it, or why it cannot be written. */
function written(model: ComparedElsewhere): Written | string {
  try {
    return ggufVocabulary(model).metadata
  } catch (error) {
    if (!(error instanceof OutriderError) || error.code !== 'UNSUPPORTED') throw error
    return error.message
  }
}

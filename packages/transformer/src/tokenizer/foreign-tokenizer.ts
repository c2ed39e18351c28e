import type { Directory } from '../files/directory'

/** A tokenizer that is written as another library has it, in words, and what to do about it. */
export interface ForeignTokenizer {
  what: string
  remedy: string
}

const saveWithTransformers =
  "Save it once with transformers, which writes tokenizer.json: AutoTokenizer.from_pretrained('DIRECTORY').save_pretrained('DIRECTORY')."

/** Files that hold a tokenizer for other libraries, by their names. */
const kinds: Readonly<Record<string, ForeignTokenizer>> = {
  'tekken.json': {
    what: "tekken.json, a tokenizer for Mistral's library (mistral-common)",
    remedy:
      "Take the tokenizer.json of the model's repository on Hugging Face, or save one with transformers (with mistral-common installed).",
  },
  'tokenizer.model': { what: 'tokenizer.model, a tokenizer for SentencePiece', remedy: saveWithTransformers },
  'spiece.model': { what: 'spiece.model, a tokenizer for SentencePiece', remedy: saveWithTransformers },
  'tokenizer.model.v3': {
    what: 'tokenizer.model.v3, a SentencePiece tokenizer of Mistral',
    remedy: saveWithTransformers,
  },
  'qwen.tiktoken': { what: 'qwen.tiktoken, a tokenizer for tiktoken', remedy: saveWithTransformers },
  'vocab.json': {
    what: 'vocab.json and merges.txt, the older files of a byte-level tokenizer',
    remedy: saveWithTransformers,
  },
  'vocab.txt': { what: 'vocab.txt, the pieces of a WordPiece tokenizer', remedy: saveWithTransformers },
}

/** What a directory without tokenizer.json has instead; undefined where it has nothing known. */
export async function foreignTokenizerIn(directory: Directory): Promise<ForeignTokenizer | undefined> {
  for (const [file, kind] of Object.entries(kinds)) {
    if (!(await directory.has(file))) continue
    if (file !== 'tokenizer.model') return kind
    // Llama 3's file of that name is a list of base64 pieces and ranks.
    const first = new TextDecoder().decode(
      await directory.read(file, { start: 0, end: Math.min(24, await directory.size(file)) }),
    )
    const isTiktoken = /^[A-Za-z0-9+/]+=* \d+\r?\n/.test(first)
    return isTiktoken ? { ...kind, what: 'tokenizer.model, a tokenizer for tiktoken' } : kind
  }
  return undefined
}

/** What a file with the name tokenizer.json is instead; undefined for what may be one. */
export function foreignTokenizerJson(json: Readonly<Record<string, unknown>>): ForeignTokenizer | undefined {
  if ('model' in json) return undefined
  if (Array.isArray(json.vocab) && typeof json.config === 'object')
    return { ...kinds['tekken.json']!, what: "a tekken.json, for Mistral's library (mistral-common)" }
  if (json.class_name === 'Tokenizer' || 'word_index' in json)
    return {
      what: 'a tokenizer of Keras',
      remedy: "Take the tokenizer.json of the model's repository on Hugging Face.",
    }
  if ('tokenizer_class' in json || 'chat_template' in json || 'added_tokens_decoder' in json)
    return { what: 'a tokenizer_config.json', remedy: 'Copy the tokenizer.json that belongs beside it.' }
  const values = Object.values(json)
  if (values.length > 0 && values.every((value) => typeof value === 'number'))
    return {
      what: 'a vocab.json, the pieces of a tokenizer without the way they are joined',
      remedy: saveWithTransformers,
    }
  return undefined
}

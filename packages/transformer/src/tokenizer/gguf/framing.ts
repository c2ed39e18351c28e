import { kinds } from './kinds'
import type { GgufVocabulary } from './vocabulary'

/** Pieces that are found in a text before anything else is done to it. */
export function addedTokens(vocabulary: GgufVocabulary): Record<string, unknown>[] {
  const strips = stripsOf(vocabulary)
  return vocabulary.pieces.flatMap((content, id) => {
    const kind = vocabulary.kinds[id]
    if (kind !== kinds.control && kind !== kinds.unknown && kind !== kinds.userDefined) return []
    const special = kind !== kinds.userDefined
    return [{ id, content, single_word: false, ...strips(content), normalized: false, special }]
  })
}

/** Which pieces take the white space beside them: a GGUF file does not say it, and llama.cpp tells it by names. */
function stripsOf({ pre, name }: GgufVocabulary): (piece: string) => { lstrip: boolean; rstrip: boolean } {
  const mask = /jina-v2-(de|es|code)/.test(pre) ? '<mask>' : name.includes('modern-bert') ? '[MASK]' : undefined
  const isPhi3 = mask !== '<mask>' && (name.includes('phi-3') || name.includes('phi3'))
  const plain = ['<unk>', '<s>', '<|endoftext|>']
  return (piece) => ({ lstrip: !isPhi3 && piece === mask, rstrip: isPhi3 && !plain.includes(piece) })
}

/** Marks before and after a text, as the file says. */
export function postProcessor(vocabulary: GgufVocabulary, bosByDefault: boolean): Record<string, unknown> | null {
  const frame = (key: 'bos' | 'eos', byDefault: boolean) => {
    if (!vocabulary.flag(`add_${key}_token`, byDefault)) return []
    const id = vocabulary.special[key]
    if (id === undefined) throw vocabulary.broken(`add_${key}_token is true, and there is no ${key}_token_id`)
    return [{ piece: vocabulary.pieces[id]!, id }]
  }
  const before = frame('bos', bosByDefault)
  const after = frame('eos', false)
  if (before.length + after.length === 0) return null
  const marks = (list: { piece: string }[], type: number) =>
    list.map(({ piece }) => ({ SpecialToken: { id: piece, type_id: type } }))
  const sequence = (id: string, type: number) => [
    ...marks(before, type),
    { Sequence: { id, type_id: type } },
    ...marks(after, type),
  ]
  return {
    type: 'TemplateProcessing',
    single: sequence('A', 0),
    pair: [...sequence('A', 0), ...sequence('B', 1)],
    special_tokens: Object.fromEntries(
      [...before, ...after].map(({ piece, id }) => [piece, { id: piece, ids: [id], tokens: [piece] }]),
    ),
  }
}

export const idsByPiece = ({ pieces }: GgufVocabulary): Record<string, number> =>
  Object.fromEntries(pieces.map((piece, id) => [piece, id]))

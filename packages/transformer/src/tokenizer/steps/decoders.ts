import { byteOfFallback, bytesOfPiece } from '../piece-bytes'
import { replacement } from './pattern'
import { prependScheme } from './pre-tokenizers'
import type { StepFields } from './step'

/** Makes texts of pieces; joined, they are the whole text. */
export type Decoder = (pieces: readonly string[]) => string[]

/**
 * The `decoder` of a tokenizer.json, as Hugging Face's tokenizers 0.23 does it; but of bytes that are no UTF-8, valid
 * characters beside them stay (there, ByteFallback makes U+FFFD of each byte around), as a stream has given them already.
 *
 * @throws OutriderError UNSUPPORTED for a step that is not known, by name; FILE_FORMAT
 */
export const decoder = (step: StepFields): Decoder => step.known(decoders)(step)

/** The kinds of steps, and their keys. */
export const decoders: Readonly<Record<string, { keys: readonly string[]; make: (step: StepFields) => Decoder }>> = {
  Sequence: {
    keys: ['decoders'],
    make: (step) => {
      const steps = step.steps('decoders', decoder)
      return (pieces) => steps.reduce((texts, one) => one(texts), [...pieces])
    },
  },
  ByteLevel: {
    // What it has of the pre-tokenizer of the same name says nothing here.
    keys: ['add_prefix_space', 'trim_offsets', 'use_regex'],
    make: () => (pieces) => [utf8.decode(Uint8Array.from(pieces.flatMap(bytesOfPiece)))],
  },
  ByteFallback: { keys: [], make: () => byteFallback },
  Fuse: { keys: [], make: () => (pieces) => [pieces.join('')] },
  Strip: { keys: ['content', 'start', 'stop'], make: strip },
  Replace: {
    keys: ['pattern', 'content'],
    make: (step) => {
      const replace = replacement(step)
      return (pieces) => {
        let soFar = 0
        return pieces.map((piece) => {
          const text = replace(piece, soFar)
          soFar += text.length
          return text
        })
      }
    },
  },
  Metaspace: { keys: ['replacement', 'prepend_scheme', 'split', 'add_prefix_space', 'str_rep'], make: metaspace },
  WordPiece: { keys: ['prefix', 'cleanup'], make: wordPiece },
  BPEDecoder: {
    keys: ['suffix'],
    make: (step) => {
      const suffix = step.text('suffix')
      return (pieces) => pieces.map((piece, i) => piece.replaceAll(suffix, i === pieces.length - 1 ? '' : ' '))
    },
  },
  CTC: { keys: ['pad_token', 'word_delimiter_token', 'cleanup'], make: ctc },
}

// U+FEFF that a model writes is text.
const utf8 = new TextDecoder('utf-8', { ignoreBOM: true })

const byteFallback: Decoder = (pieces) => {
  const texts: string[] = []
  let bytes: number[] = []
  const flush = () => {
    if (bytes.length > 0) texts.push(utf8.decode(Uint8Array.from(bytes)))
    bytes = []
  }
  for (const piece of pieces) {
    const byte = byteOfFallback(piece)
    if (byte !== undefined) bytes.push(byte)
    else {
      flush()
      texts.push(piece)
    }
  }
  flush()
  return texts
}

function strip(step: StepFields): Decoder {
  const [content, most, mostAtEnd] = [step.character('content'), step.count('start'), step.count('stop')]
  return (pieces) =>
    pieces.map((piece) => {
      const characters = [...piece]
      let [start, end] = [0, characters.length]
      while (start < most && start < end && characters[start] === content) start++
      while (characters.length - end < mostAtEnd && end > start && characters[end - 1] === content) end--
      return characters.slice(start, end).join('')
    })
}

/** The marks of the first piece are no spaces, unless none is ever put before a text. */
function metaspace(step: StepFields): Decoder {
  const mark = step.character('replacement')
  const first = prependScheme(step) === 'never' ? ' ' : ''
  return (pieces) => pieces.map((piece, i) => piece.replaceAll(mark, i === 0 ? first : ' '))
}

function wordPiece(step: StepFields): Decoder {
  const [prefix, cleanup] = [step.text('prefix'), step.flag('cleanup')]
  return (pieces) =>
    pieces.map((piece, i) => {
      const text = i === 0 ? piece : piece.startsWith(prefix) ? piece.slice(prefix.length) : ` ${piece}`
      return cleanup ? cleaned(text) : text
    })
}

function ctc(step: StepFields): Decoder {
  const [pad, delimiter] = [step.text('pad_token'), step.text('word_delimiter_token')]
  const cleanup = step.flag('cleanup')
  return (pieces) =>
    pieces
      .filter((piece, i) => piece !== pieces[i - 1])
      .map((piece) => {
        const text = piece.replaceAll(pad, '')
        return cleanup ? cleaned(text).replaceAll(delimiter, ' ') : text
      })
}

const blanksBefore = [' .', ' ?', ' !', ' ,']

/** English punctuation without the blank before it. */
function cleaned(text: string): string {
  for (const mark of blanksBefore) text = text.replaceAll(mark, mark.slice(1))
  text = text.replaceAll(" ' ", "'").replaceAll(" n't", "n't").replaceAll(" 'm", "'m").replaceAll(' do not', " don't")
  return text.replaceAll(" 's", "'s").replaceAll(" 've", "'ve").replaceAll(" 're", "'re")
}

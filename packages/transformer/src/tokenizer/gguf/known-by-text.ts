import { endTexts, fillIn } from './special-ids'

const texts = Object.values(fillIn)

/** Of these, one each of padding, repository and file ends an answer in llama.cpp, whichever it comes upon. */
export const endsOfFilledCode: ReadonlySet<string> = new Set(texts.flatMap(({ ends, texts }) => (ends ? texts : [])))

/** Tokens that llama.cpp takes for marks by their text, whatever a file says of them. */
export const marksByText: ReadonlySet<string> = new Set([...endTexts, ...texts.flatMap(({ texts }) => texts)])

/**
 * Which of the pieces end an answer in llama.cpp by their text. `<|end|>` and `</s>` are taken back beside others.
 */
export function endsByTextOf(pieces: ReadonlySet<string>): ReadonlySet<string> {
  const has = (piece: string) => pieces.has(piece)
  const ends = new Set(endTexts.filter(has))
  if ((has('<|return|>') && has('<|call|>')) || ((has('<|call|>') || has('<|calls|>')) && has('<|flush|>')))
    ends.delete('<|end|>')
  if (has('<|tool_response>')) ends.delete('</s>')
  return ends
}

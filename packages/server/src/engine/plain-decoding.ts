import type { ContinuousBatch } from '@outrider/transformer'
import { batchDecoding } from './batch-decoding'
import type { Decoding, OnAnswer } from './decoding'

/** Decodes jobs token by token. */
export function plainDecoding(batch: ContinuousBatch, onAnswer?: OnAnswer): Decoding {
  return batchDecoding(
    {
      fits: (tokens) => batch.fits(tokens),
      join: ({ prompt, ...options }) => batch.join(prompt, options),
      leave: (sequence) => batch.leave(sequence),
      dispose: () => batch.dispose(),
      async step() {
        return (await batch.step()).map(({ sequence, token, text, scored }) => {
          const { finishReason, tokens } = sequence.answer
          return {
            sequence,
            piece: { tokens: [token], text, scored: scored && [scored] },
            ending: finishReason && { ending: { finishReason }, tokens },
          }
        })
      },
    },
    onAnswer,
  )
}

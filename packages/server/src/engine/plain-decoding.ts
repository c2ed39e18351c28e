import type { BatchSequence, ContinuousBatch } from '@outrider/transformer'
import { type BatchDecodingOptions, batchDecoding } from './batch-decoding'
import type { Decoding } from './decoding'

/** Decodes jobs token by token. */
export function plainDecoding(batch: ContinuousBatch, options: BatchDecodingOptions = {}): Decoding {
  return batchDecoding<BatchSequence>(
    {
      fits: (tokens) => batch.fits(tokens),
      growth: (tokens) => batch.growth(tokens),
      set onFailure(told: typeof batch.onFailure) {
        batch.onFailure = told
      },
      join: ({ prompt, prefixScope, ...request }) =>
        batch.join(prompt, { ...request, prefixes: options.prefixes?.of(prefixScope) }),
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
    options,
  )
}

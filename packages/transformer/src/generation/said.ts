import { OutriderError, type Tensor } from '@outrider/tensor'
import { packHalves } from '@outrider/tensor/internal'
import { type CausalLM, decodesOpenly, type ForwardOptions } from '../model/index'

/** What a model says of the next token of every sequence, and from what. */
export interface Said {
  /** f32 [sequences, vocabulary] */
  logits: Tensor
  /** The hidden states that the head read for them, halves in u32 [sequences, ⌈hidden / 2⌉], where these are wanted. */
  hidden?: Tensor | undefined
}

/**
 * Reads tokens, and says what comes after the last of each sequence. The logits have the same bits with and without hidden states.
 *
 * @throws OutriderError INVALID_ARGUMENT where hidden states are wanted of a model whose decoding does not show them
 */
export function say(model: CausalLM, tokens: Tensor, options: ForwardOptions, wantsHidden: boolean): Said {
  return model.device.scope(() => {
    const last: ForwardOptions = { ...options, rows: 'last' }
    if (!wantsHidden) return { logits: asRows(model.forward(tokens, last)) }
    const { logits, hidden } = assertOpen(model).forwardWithHidden(tokens, last)
    return { logits: asRows(logits), hidden: packHalves(asRows(hidden)) }
  })
}

export function assertOpen(model: CausalLM) {
  if (decodesOpenly(model)) return model
  throw new OutriderError('INVALID_ARGUMENT', 'The model does not show the hidden states that it decodes from.', {
    remedy: 'Ask for none (`decodesOpenly` says whether they can be had).',
  })
}

/** The same tensors under another's ownership. */
export const shared = ({ logits, hidden }: Said): Said => ({
  logits: logits.reshape(logits.shape),
  hidden: hidden?.reshape(hidden.shape),
})

export function dispose({ logits, hidden }: Said): void {
  logits.dispose()
  hidden?.dispose()
}

/** [sequences, 1, columns] → [sequences, columns] */
function asRows(x: Tensor): Tensor {
  const columns = x.shape.at(-1)!
  return x.reshape([x.size / columns, columns])
}

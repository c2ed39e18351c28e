import type { Tensor } from '@outrider/tensor'

/** What is read of a pass of the target, and its logits, f32 [rows, V], if its tokens are to be scored. */
export type Pass = { result: Tensor; logits?: Tensor }

/** A pass that is on its way. */
export interface Queued {
  pass: Pass
  isDrafted: boolean
  /** Frees what does not belong to a step that is done again. */
  free(): void
}

/** What frees a pass of a step that is done again: nothing. */
export const lasting = () => {}

/** A pass whose tensors are the caller's to free. */
export function passing(pass: Pass, isDrafted: boolean): Queued {
  const free = () => {
    for (const tensor of Object.values(pass)) tensor.dispose()
  }
  return { pass, isDrafted, free }
}

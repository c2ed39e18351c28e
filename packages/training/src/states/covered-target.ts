import {
  type CoveredIds,
  embedding,
  type Head,
  headLogits,
  log,
  max,
  slice,
  softmax,
  subtract,
  type Tensor,
  takeRows,
} from '@outrider/tensor'
import { withoutGradients } from '@outrider/tensor/internal'

/** Logits that are held at a time. */
const chunkBytes = 2 ** 26

/**
 * ln Σ exp of the logits that a head makes of hidden states: with it, q of any id is known from that id's logit alone. In float32 as
 * max − ln max softmax, which is finite wherever a logit is.
 *
 * @param hidden  f32 [rows, hiddenSize]
 * @returns f32 [rows]
 */
export function logNormalizers(head: Head, hidden: Tensor): Tensor {
  const { device } = hidden
  const [rows] = hidden.shape as [number]
  const most = Math.max(1, Math.floor(chunkBytes / 4 / head.weight.shape[0]!))
  return withoutGradients(device, () =>
    device.scope(() => {
      const all = device.empty([rows])
      for (let start = 0; start < rows; start += most) {
        const count = Math.min(most, rows - start)
        device.scope(() => {
          const logits = headLogits(head, slice(hidden, { start, count }))
          const of = subtract(max(logits, { axis: 1 }), log(max(softmax(logits), { axis: 1 })))
          device.copy(of, 0, all, start, count)
        })
      }
      return all
    }),
  )
}

/** Rows of a target's head in f32, for the ids that drafts cover: made once for each draft, and kept until it is disposed of. */
export class CoveredHeads {
  readonly #heads = new Map<Tensor, Head & { covered: CoveredIds }>()

  /** The head over the covered ids alone; undefined where its rows cannot be had one by one. */
  of(head: Head, covered: CoveredIds): (Head & { covered: CoveredIds }) | undefined {
    const { weight, bias } = head
    // Blocks of quantised weights are told apart by eights.
    if (weight.dtype !== 'f32' && weight.shape[1]! % 8 !== 0) return undefined
    const made = this.#heads.get(covered.ids) ?? {
      ...head,
      weight: embedding(weight, covered.ids).keep(),
      bias: bias && takeRows(bias, covered.ids).keep(),
      covered,
    }
    this.#heads.set(covered.ids, made)
    return made
  }

  dispose(): void {
    for (const { weight, bias } of this.#heads.values()) {
      weight.dispose()
      bias?.dispose()
    }
    this.#heads.clear()
  }
}

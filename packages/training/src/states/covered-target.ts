import { type CoveredStates, logNormalizers } from '@outrider/losses'
import { type CoveredIds, embedding, type Head, headLogits, slice, type Tensor, takeRows } from '@outrider/tensor'
import { withoutGradients } from '@outrider/tensor/internal'

/** Logits that are held at a time. */
const chunkBytes = 2 ** 26

/** ln Σ exp of the logits that a head makes of hidden states, f32 [rows]; the logits of a few rows are held at a time. */
export function headNormalizers(head: Head, hidden: Tensor): Tensor {
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
          device.copy(logNormalizers(logits), 0, all, start, count)
        })
      }
      return all
    }),
  )
}

/** Rows of a target's head in f32, for the ids that drafts cover: made once for each draft, and kept until it is disposed of. */
export class CoveredHeads {
  readonly #heads = new Map<Tensor, CoveredStates['head']>()

  /** The head over the covered ids alone; undefined where its rows cannot be had one by one. */
  of(head: Head, covered: CoveredIds): CoveredStates['head'] | undefined {
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

import type { Tensor } from '@outrider/tensor'
import { counter } from '@outrider/tensor/internal'
import type { LogitsProcessor } from '@outrider/transformer'
import type { DraftRows } from './draft-rows'
import { advanceDraft, type DraftProgress } from './draft-stop'
import type { DrawnDraft } from './drafter'

export interface ConstrainedDraftOptions {
  rows: DraftRows
  /** Which has a constraint. */
  processor: LogitsProcessor
  /** Whether `rows` draw from logits, the largest. */
  greedy: boolean
  offset: number
  /** Where drafts may end early. */
  progress?: DraftProgress | undefined
  /** Queues the logits that the token after the drafted ones is drawn from, [1, C or V'] in any shape. */
  logitsAfter: (drafted: readonly number[]) => Tensor
}

/**
 * Draws the tokens of a draft one by one, each from what a constraint allows behind those before it, so that p is masked as q is. What
 * is allowed depends on which tokens these are, and is worked out on the host: each is read before the next is drawn. The draft ends
 * behind a token that ends the text.
 */
export async function drawConstrained(options: ConstrainedDraftOptions): Promise<DrawnDraft> {
  const { rows, processor, greedy, progress, logitsAfter, offset } = options
  const { device, size } = rows.ids
  const drafted: number[] = []
  const draw = () => {
    const index = drafted.length
    // What is allowed first, the processor has on the device.
    const masks = index === 0 ? undefined : processor.maskBehind(device, drafted)
    if (index > 0 && !masks) return false
    const logits = logitsAfter(drafted)
    const { x, places } = rows.draw(logits.reshape([1, logits.size]), index, counter(offset), masks)
    if (progress) advanceDraft(progress, { index, x, logits: greedy, id: places })
    return true
  }
  while (drafted.length < size && device.scope(draw)) {
    const [ids, going] = await device.read(progress ? [rows.ids, progress.going] : [rows.ids])
    drafted.push(new Uint32Array(ids!)[drafted.length]!)
    if (going && new Uint32Array(going)[0] === 0) break
  }
  device.scope(() => rows.finish())
  const fewer = drafted.length < size ? rows.proposed(drafted.length) : undefined
  return {
    tokens: rows.ids,
    probabilities: rows.probabilities,
    count: progress?.count ?? fewer,
    lasting: true,
    known: Array.from({ length: size }, (_, i) => drafted[i] ?? 0),
  }
}

import { defineKernel, OutriderError, rowReduction, rowReductionFor, type Tensor } from '@outrider/tensor'
import source from './draft-stop.wgsl'

/**
 * Where a draft ends before its length, by the distributions p that its own tokens are drawn from; at temperature 0 by the
 * softmax of the logits. The first token is always proposed.
 *
 * - `confidence`: a token x with p(x) below it is proposed, and is the last one (transformers' `assistant_confidence_threshold`,
 *   there 0.4)
 * - `acceptance`: before a token whose chance of being accepted, by its entropy 1 − √(¼·H(p)), is below it (AdaEDL, Agrawal et
 *   al. 2024, arXiv 2410.18351, which takes what the entropy is multiplied by from data)
 *
 * Both leave the target's distribution as it is: whether a draft goes on depends on proposed tokens alone. To draw a token
 * and not to propose it because it looks unlikely would not.
 */
export type DraftStop = { confidence: number } | { acceptance: number }

/** What a draft is stopped by. */
export type StopMeasure = 'confidence' | 'acceptance'

/** What H(p) is multiplied by. At ¼ a choice of one among 55 even ones has no chance. */
const entropyWeight = 0.25

const kernel = defineKernel({
  name: 'draftStop',
  source,
  uses: [rowReduction],
  constants: ['LOGITS', 'ENTROPY'],
})

/** How many tokens of a draft are proposed so far, and whether it goes on. */
export interface DraftProgress {
  /** By what it ends. */
  by: StopMeasure
  /** Below which it ends, f32 [1], written before each draft. */
  threshold: Tensor
  /** u32 [1]. */
  count: Tensor
  /** u32 [1]. */
  going: Tensor
}

/**
 * Queues what follows for a draft from its token `index`, which was just drawn.
 *
 * @param options.x       f32 [1, V]: p, or logits
 * @param options.logits  whether x are logits, of which the token is the largest
 * @param options.id      the token, u32 [1]
 */
export function advanceDraft(
  { by, threshold, count, going }: DraftProgress,
  { index, x, logits, id }: { index: number; x: Tensor; logits: boolean; id: Tensor },
): void {
  const columns = x.size
  x.device.run(kernel, {
    bindings: { x, id, count, going, threshold },
    params: { index, columns, weight: entropyWeight },
    forms: [rowReductionFor(columns, x.device.capabilities)],
    constants: { LOGITS: logits, ENTROPY: by === 'acceptance' },
    workgroups: [1],
  })
}

/** @throws OutriderError INVALID_ARGUMENT for one that is none */
export function checkedStop(stop: DraftStop | undefined): DraftStop | undefined {
  if (!stop) return undefined
  const { threshold } = thresholdOf(stop)
  if (Object.keys(stop).length === 1 && threshold >= 0 && threshold <= 1) return stop
  throw new OutriderError('INVALID_ARGUMENT', `stop is ${JSON.stringify(stop)}, which ends no draft.`, {
    remedy: 'Give one of { confidence } and { acceptance }, from 0 to 1.',
  })
}

/** What a draft is stopped by, and below which it is. */
export const thresholdOf = (stop: DraftStop): { by: StopMeasure; threshold: number } =>
  'confidence' in stop
    ? { by: 'confidence', threshold: stop.confidence }
    : { by: 'acceptance', threshold: stop.acceptance }

import {
  defineKernel,
  type Kernel,
  type KernelPart,
  type OutriderError,
  rowReduction,
  rowReductionFor,
  ShapeError,
  type Tensor,
} from '@outrider/tensor'
import { noLogit, noToken } from '@outrider/tensor/internal'
import { drawnToken, notFiniteLogits } from '@outrider/transformer'
import positionSumsSource from './position-sums.wgsl'
import type { Verdict, VerifyInput } from './rule'
import verifySource from './verify.wgsl'

/** The kernels of a rule. They are its own, so that a mistake in its expressions is nobody else's. */
export interface VerificationKernels {
  positionSums: Kernel
  verify: Kernel
}

/** @param code  the rule in WGSL: `ruleWeight`, `rulePasses`, `ruleResidual` and `KEEPS_LONGEST` */
export function verificationKernels(rule: string, code: string): VerificationKernels {
  const ruleCode: KernelPart = {
    name: 'ruleCode',
    provides: ['ruleWeight', 'rulePasses', 'ruleResidual', 'KEEPS_LONGEST'],
    text: code,
  }
  return {
    positionSums: defineKernel({
      name: `verifyPositionSums (${rule})`,
      source: positionSumsSource,
      uses: [rowReduction, noLogit, ruleCode],
      constants: ['COUNTED'],
    }),
    verify: defineKernel({
      name: `verify (${rule})`,
      source: verifySource,
      uses: [ruleCode],
      constants: ['COUNTED', 'LANES', 'ROUNDS'],
    }),
  }
}

/**
 * Accepts a prefix of a drafted block on the device by the rule of the kernels, and draws the token after it. The sums reduce in one
 * order, so equal inputs give equal bits. Reading the result is the only wait of a block.
 *
 * @returns u32 [2 + 2γ] for `readVerdict`; the caller frees it
 * @throws ShapeError if the shapes do not fit together
 */
export function verifyWith(
  { positionSums, verify }: VerificationKernels,
  { p, q, tokens, uniforms, count }: VerifyInput,
): Tensor {
  const { device } = q
  const [draftLength, vocabulary] = p.shape as [number, number]
  const fits =
    p.shape.length === 2 && q.shape.length === 2 && q.shape[0] === draftLength + 1 && q.shape[1] === vocabulary
  if (!fits || tokens.size !== draftLength || uniforms.size !== draftLength + 1)
    throw new ShapeError(
      'verify',
      [p.shape, q.shape, tokens.shape, uniforms.shape],
      'must be [γ, V], [γ + 1, V], [γ] and [γ + 1]',
    )
  const params = { draftLength, vocabulary }
  // Without a count the binding is not read.
  const [proposed, COUNTED] = [count ?? tokens, count !== undefined]
  const sums = device.empty([draftLength + 1, 4])
  const result = device.empty([2 + 2 * draftLength], 'u32')
  const lanes = rowReductionFor(vocabulary, device.capabilities)
  device.run(positionSums, {
    bindings: { p, q, tokens, sums, count: proposed },
    params,
    constants: { COUNTED },
    forms: [lanes],
    workgroups: [draftLength + 1],
  })
  const LANES = lanes.constants.LANES!
  device.run(verify, {
    bindings: { p, q, tokens, uniforms, sums, result, count: proposed },
    params,
    constants: { COUNTED, LANES, ROUNDS: 1 + roundsToOne(vocabulary, LANES) },
    workgroups: [1],
  })
  sums.dispose()
  return result
}

/** How often a range is cut into so many pieces until a piece has one element. */
function roundsToOne(range: number, pieces: number): number {
  let rounds = 0
  for (let size = range; size > 1 || rounds === 0; size = Math.ceil(size / pieces)) rounds++
  return rounds
}

/** Whose the logits are that are no numbers, where they are the draft's. */
export const theDraft = 'The draft'

/** Whether an error NOT_FINITE is of the draft: of the target's logits it says nothing. */
export const isOfDraft = ({ details }: OutriderError): boolean => details.model === theDraft

/** A block's verdict with what was drafted. */
export interface BlockVerdict extends Verdict {
  /** The drafted ids that were proposed; the first `accepted` of them were kept. */
  drafted: number[]
  /** γ of the pass, those that were not proposed among them. */
  computed: number
  /** α of each of their positions: Σₓ min(p, q). */
  overlap: Float32Array
}

/**
 * Reads the words that a rule's `verify` wrote.
 *
 * @throws OutriderError NOT_FINITE where a row of draft or target was no distribution
 */
export function readVerdict(words: Uint32Array): BlockVerdict {
  if (words[1] === noToken) throw notFiniteLogits(words[0] === 1 ? theDraft : 'The target')
  const draftLength = (words.length - 2) / 2
  const tokens = [...words.subarray(2, 2 + draftLength)]
  const count = tokens.includes(noToken) ? tokens.indexOf(noToken) : draftLength
  return {
    accepted: words[0]!,
    next: words[1]!,
    drafted: tokens.slice(0, count),
    computed: draftLength,
    overlap: new Float32Array(words.slice(2 + draftLength, 2 + draftLength + count).buffer),
  }
}

/** Of a pass without a draft: its one word is the token. */
export const plainVerdict = (words: Uint32Array): BlockVerdict => ({
  accepted: 0,
  next: drawnToken(words[0]!),
  drafted: [],
  computed: 0,
  overlap: new Float32Array(),
})

import type { Tensor } from '@outrider/tensor'
import { rowsTogether, type Sampling, sampleRows, type TensorRows } from '@outrider/transformer'
import type { Draft } from '../drafter/drafter'
import type { StepCounters } from '../step-counters'
import { judged, uniforms } from '../verification/passes'
import type { VerificationRule } from '../verification/rule'
import { verdictOfIds } from '../verification/verdict-of-ids'
import { type BlockVerdict, plainVerdict, readVerdict } from '../verification/verify'

/** What is to be drawn, or judged, for one sequence of a batch. */
export interface ToDraw {
  /** What its tokens are drawn from, f32 [γ + 1, V]: the target's logits after its last token and after each drafted one. */
  logits: Required<TensorRows>
  /** null: nothing was drafted. */
  draft: Draft | null
  sampling: Sampling
  counters: StepCounters
}

/** The words that were read of a tensor. */
export type Words = (tensor: Tensor) => Uint32Array

export interface DrawnTogether {
  /** To be read. */
  tensors: Tensor[]
  /** What each sequence has of it. They throw NOT_FINITE where there was nothing to draw from. */
  verdicts: ((words: Words) => BlockVerdict)[]
}

/**
 * Queues what is drawn and judged in a step: in one pass the likeliest tokens of all rows of those who are greedy, whose verdicts
 * compare ids; in another the tokens of the others for whom nothing was drafted; and each verdict on a draft that was drawn by
 * itself. All have what they have alone, to the bit. What is made is the scope's.
 */
export function drawTogether(asked: readonly ToDraw[], rule: VerificationRule): DrawnTogether {
  const greedy = asked.filter((each) => isGreedy(each))
  const plain = asked.filter((each) => !isGreedy(each) && !each.draft)
  const drafted = asked.filter((each) => !isGreedy(each) && each.draft)
  const groups = [greedy, plain, ...drafted.map((each) => [each])].filter(({ length }) => length > 0)
  const queued = groups.map((group) =>
    group === greedy ? likeliest(group, rule) : group === plain ? drawn(group) : judgedAlone(group[0]!, rule),
  )
  const verdictOf = new Map(groups.flatMap((group, g) => group.map((each, i) => [each, queued[g]!.verdicts[i]!])))
  return { tensors: queued.flatMap(({ tensors }) => tensors), verdicts: asked.map((each) => verdictOf.get(each)!) }
}

/** Whether ids decide: where the target is certain of one a row, and the draft of its tokens. */
const isGreedy = ({ draft, sampling }: ToDraw): boolean =>
  sampling.temperature === 0 && !(draft && 'tokens' in draft && draft.probabilities)

function likeliest(group: readonly ToDraw[], rule: VerificationRule): DrawnTogether {
  const ids = sampleRows(group.map(({ logits, sampling }) => ({ ...logits, sampling, offset: 0 })))
  const starts = startsOf(group.map(({ logits }) => logits.count))
  const onDevice = group.map(({ draft }) => (draft && 'tokens' in draft ? draft : undefined))
  const drafted = asOne(onDevice.map((draft) => (draft?.known ? undefined : draft?.tokens)))
  const proposed = asOne(onDevice.map((draft) => draft?.count))
  const verdicts = group.map(({ logits, draft, sampling, counters }, i) => (words: Words) => {
    const said = words(ids).subarray(starts[i]!, starts[i]! + logits.count)
    if (!draft) return plainVerdict(said)
    return verdictOfIds(rule, {
      tokens: ('ids' in draft ? draft.ids : draft.known) ?? drafted.read(i, words)!,
      ids: [...said],
      uniforms: uniforms(logits.count, sampling.seed, counters.verification),
      count: proposed.read(i, words)?.[0],
      vocabularySize: logits.x.shape.at(-1)!,
    })
  })
  return { tensors: [ids, ...drafted.tensors, ...proposed.tensors], verdicts }
}

function drawn(group: readonly ToDraw[]): DrawnTogether {
  const ids = sampleRows(
    group.map(({ logits, sampling, counters }) => ({ ...logits, sampling, offset: counters.plain })),
  )
  return {
    tensors: [ids],
    verdicts: group.map((_, i) => (words) => plainVerdict(words(ids).subarray(i, i + 1))),
  }
}

function judgedAlone({ logits, draft, sampling, counters }: ToDraw, rule: VerificationRule): DrawnTogether {
  const { device } = logits.x
  const toJudge = 'ids' in draft! ? { tokens: device.tensor(Uint32Array.from(draft.ids)) } : draft!
  const result = judged(toJudge, rowsTogether([logits]), {
    sampling,
    verification: rule,
    uniforms: device.tensor(uniforms(logits.count, sampling.seed, counters.verification)),
  })
  return { tensors: [result], verdicts: [(words) => readVerdict(words(result))] }
}

/** Tensors of words, where there are any, one behind the other, so that they are read as one. */
function asOne(parts: readonly (Tensor | undefined)[]) {
  const sizes = parts.map((part) => part?.size ?? 0)
  const starts = startsOf(sizes)
  const rows = parts.flatMap((part) => (part ? [{ x: part.reshape([part.size, 1]), count: part.size }] : []))
  const all = rows.length > 0 ? rowsTogether(rows) : undefined
  return {
    tensors: all ? [all] : [],
    /** The words of part i; undefined where there is none. */
    read: (i: number, words: Words): number[] | undefined =>
      sizes[i]! > 0 ? [...words(all!).subarray(starts[i]!, starts[i]! + sizes[i]!)] : undefined,
  }
}

/** Where each of some pieces begins, one behind the other. */
const startsOf = (sizes: readonly number[]): number[] =>
  sizes.map((_, i) => sizes.slice(0, i).reduce((sum, size) => sum + size, 0))

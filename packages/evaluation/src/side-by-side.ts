import {
  declaredCosts,
  SpeculativeBatch,
  type SpeculativeJoinOptions,
  sequenceDraftLength,
} from '@outrider/speculative'
import {
  type BatchSequence,
  type CausalLM,
  ContinuousBatch,
  type PretrainedModel,
  promptTokens,
  throwIfAborted,
} from '@outrider/transformer'
import type { Answering, Asked } from './answering'
import { type Contender, parameterRatioOf } from './contender'
import { type Pace, sumOf, tokensPerSecond } from './pace'
import { stepCosts } from './step-costs'

/** A batch, plain or not. */
interface Batch {
  readonly count: number
  fits(tokens: number): boolean
  step(): Promise<readonly { sequence: BatchSequence }[]>
  dispose(): void
}

/** Answers prompts plainly, up to `size` at once. */
export function plainlyTogether(target: PretrainedModel<CausalLM>, size: number): Answering {
  const batch = new ContinuousBatch(target, { size })
  return async (_category, group, onEnd) => {
    const join = ({ prompt, ...options }: Asked) => batch.join(promptTokens(target, prompt), options)
    const { pace } = await answered(target, { batch, join, group, onEnd: (rate) => onEnd(rate, undefined) })
    return { pace, metrics: [] }
  }
}

/** Answers prompts with a draft, up to `size` at once. Sampled ones are those that they are alone. */
export function draftedTogether(
  target: PretrainedModel<CausalLM>,
  { draft, draftLength, draftStop, verification = 'block', costs: given }: Contender,
  size: number,
): Answering {
  const stops = draftStop === 'auto'
  let batch: SpeculativeBatch | undefined
  return async (_category, group, onEnd) => {
    const isSampled = (group[0]?.temperature ?? 0) > 0
    const costs =
      given ??
      ((draftLength === 'auto' || stops) && !isSampled ? await stepCosts(target, draft, {}, { stops }) : undefined)
    batch ??= new SpeculativeBatch({ target, drafter: draft, verification, draftStop, costs, size })
    const declared = () => {
      const parameterRatio = parameterRatioOf(draft, target)
      return declaredCosts({ parameterRatio, isSoftware: target.model.device.isSoftware })
    }
    const choosing = { repeats: isSampled, stops, costs, fixedCosts: given ?? declared() }
    const together = batch
    const join = ({ prompt, ...options }: Asked) => {
      const asked: SpeculativeJoinOptions = { ...options, draftLength: sequenceDraftLength(draftLength, choosing) }
      return together.join(promptTokens(target, prompt), asked)
    }
    const { pace, sequences } = await answered(target, {
      ...{ batch: together, join, group },
      onEnd: (rate, sequence) => onEnd(rate, sequence.metrics),
    })
    return { pace, metrics: sequences.map(({ metrics }) => metrics), costs }
  }
}

interface Answered<Sequence> {
  batch: Batch
  join: (asked: Asked) => Sequence
  group: readonly Asked[]
  onEnd: (rate: number, sequence: Sequence) => void
}

/**
 * Answers a group, all of it at once as far as it fits, and the rest after it. What counts as its time begins when all of those at
 * once have their first token, as it does of one, and ends when the last answer does.
 */
async function answered<Sequence extends BatchSequence>(
  target: PretrainedModel<CausalLM>,
  { batch, join, group, onEnd }: Answered<Sequence>,
): Promise<{ pace: Pace; sequences: Sequence[] }> {
  const sequences: Sequence[] = []
  const paces: Pace[] = []
  try {
    while (sequences.length < group.length) {
      const from = sequences.length
      for (
        let asked = group[from];
        asked && (batch.count === 0 || fits(target, batch, asked));
        asked = group[sequences.length]
      )
        sequences.push(join(asked))
      const here = sequences.slice(from)
      const pace = { answers: here.length, tokens: 0, seconds: 0 }
      let began: number | undefined
      while (batch.count > 0) {
        throwIfAborted(group[0]!.signal)
        const added = await batch.step()
        began ??= performance.now()
        pace.tokens = here.reduce((sum, { answer }) => sum + answer.tokens.length - 1, 0)
        pace.seconds = (performance.now() - began) / 1000
        for (const { sequence } of added)
          if (sequence.answer.finishReason) onEnd(tokensPerSecond(pace), sequence as Sequence)
      }
      paces.push(pace)
    }
    return { pace: sumOf(paces), sequences }
  } finally {
    batch.dispose()
  }
}

/** Whether a prompt and its answer have room beside the others. */
function fits(target: PretrainedModel<CausalLM>, batch: Batch, { prompt, maxTokens }: Asked): boolean {
  return batch.fits(Math.min(promptTokens(target, prompt).length + maxTokens, target.config.contextLength))
}

import {
  type Block,
  type Drafter,
  type DraftStop,
  declaredCosts,
  type SpeculativeBatch,
  SpeculativeDecoder,
  type SpeculativeSequence,
  type StepCosts,
  sequenceDraftLength,
} from '@outrider/speculative'
import type { CausalLM, PrefixCache, PretrainedModel } from '@outrider/transformer'
import type { GenerationRequest } from '../requests/generation-request'
import { batchDecoding } from './batch-decoding'
import type { Decoding, OnAnswer } from './decoding'
import { BlockHistogram } from './speculation-report'

export interface SpeculativeDecodingOptions {
  /** Whose `auto` learns from all requests but those with a seed. */
  batch: SpeculativeBatch
  target: PretrainedModel<CausalLM>
  /** γ of requests that do not say theirs; 'auto' is the batch's, or for requests with a seed one of their own. */
  draftLength: number | 'auto'
  /** Where drafts of a model end early; 'auto': what the policy of a request chooses. */
  draftStop: DraftStop | 'auto' | undefined
  /** Measured costs of steps, also for the break-even α; requests with a seed must not be decoded by them. */
  costs: StepCosts
  /** For answers that are to repeat themselves. */
  reproducibleDrafter: PretrainedModel<CausalLM> | Drafter
  /** Called for each block in which something was drafted. */
  onDraft: (block: Pick<Block, 'drafted' | 'accepted' | 'drafter'>) => void
  /** Called with each answer that came to its end. */
  onAnswer: OnAnswer
  /** What is kept of prompts, for target and draft. */
  prefixes?: PrefixCache | undefined
}

/** Decodes jobs in one batch, those that speculate and those that do not. */
export function speculativeDecoding(options: SpeculativeDecodingOptions): Decoding {
  const { batch, target, draftStop, costs, reproducibleDrafter, onDraft, onAnswer, prefixes } = options
  const stops = draftStop === 'auto'
  /** Of those that are not to leave the draft out. */
  const histograms = new WeakMap<SpeculativeSequence, BlockHistogram>()
  const { parameterRatio } = new SpeculativeDecoder({ target, drafter: reproducibleDrafter }).metrics
  const declared = declaredCosts({ parameterRatio, isSoftware: target.model.device.isSoftware })

  /** What chooses the draft lengths of a request. */
  const policyOf = ({ draftLength = options.draftLength }: GenerationRequest, repeats: boolean) =>
    sequenceDraftLength(draftLength, { repeats, stops, costs, fixedCosts: declared })

  return batchDecoding<SpeculativeSequence>(
    {
      fits: (tokens) => batch.fits(tokens),
      growth: (tokens) => batch.growth(tokens),
      trim: () => batch.trim(),
      set onFailure(told: typeof batch.onFailure) {
        batch.onFailure = told
      },
      join(request) {
        const { prompt, prefixScope, ...generation } = request
        const repeats = request.seeded && request.temperature > 0
        const drafter = repeats ? reproducibleDrafter : undefined
        const sequence = batch.join(prompt, {
          ...generation,
          draftLength: policyOf(request, repeats),
          drafter,
          prefixes: prefixes?.of(prefixScope),
        })
        if (request.draftLength !== 0) histograms.set(sequence, new BlockHistogram())
        return sequence
      },
      leave: (sequence) => batch.leave(sequence),
      dispose: () => batch.dispose(),
      async step() {
        return (await batch.step()).map(({ sequence, finishReason, ...block }) => {
          const histogram = histograms.get(sequence)
          histogram?.record(block)
          if (block.drafted > 0) onDraft(block)
          const { tokens, text, scored } = block
          const ending = finishReason && {
            finishReason,
            ...(histogram && { speculation: histogram.report(sequence.metrics.withCosts(costs)) }),
          }
          return {
            sequence,
            piece: { tokens, text, scored },
            ending: ending && { ending, tokens: sequence.answer.tokens },
          }
        })
      },
    },
    { onAnswer, prefixes },
  )
}

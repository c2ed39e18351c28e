import { OutriderError } from '@outrider/tensor'
import type { AnswerEachOptions, AnswerRequest, BatchAnswer, CausalLM, PretrainedModel } from '@outrider/transformer'
import type { EndpointTarget } from '../endpoint/openai-target'

/**
 * Whoever answers faster than the target alone, in its distribution, and greedily in its bits: `draftedAnswers` of
 * `@outrider/speculative`.
 */
export interface DraftOfRows {
  /** All that a sampled answer depends on, beside the target, the request and its seed, as JSON. */
  identity(target: PretrainedModel<CausalLM>, options: { size: number }): Promise<object>
  /** As `answerEach` does. A request with a seed is answered in the same way whoever else is. */
  answerEach<R extends AnswerRequest>(
    target: PretrainedModel<CausalLM>,
    requests: Iterable<R>,
    options: Pick<AnswerEachOptions, 'onTokens' | 'signal'> & { size: number },
  ): AsyncIterable<{ request: R; answer: BatchAnswer }>
}

/** @throws OutriderError INVALID_ARGUMENT for a draft of an endpoint */
export function assertDraftable({
  target,
  draft,
}: {
  target: PretrainedModel<CausalLM> | EndpointTarget
  draft?: DraftOfRows | undefined
}): void {
  if (!draft || !('kind' in target)) return
  throw new OutriderError('INVALID_ARGUMENT', `A draft is given for ${target.model}, which answers elsewhere.`, {
    remedy: 'Leave out the draft, or load the target here. An engine has its own option for a draft.',
  })
}

import { type Drafter, measureCosts, modelDrafter, type StepCosts } from '@outrider/speculative'
import { type CausalLM, type PretrainedModel, resolveSampling, type SamplingOptions } from '@outrider/transformer'

/**
 * What steps of the two models cost, measured before anything else: it also compiles their kernels.
 *
 * @param options.stops  whether drafts may end early. Default false
 */
export const stepCosts = (
  target: PretrainedModel<CausalLM>,
  draft: PretrainedModel<CausalLM> | Drafter,
  sampling: SamplingOptions,
  { stops = false }: { stops?: boolean } = {},
): Promise<StepCosts> =>
  measureCosts({
    target: target.model,
    drafter: 'open' in draft ? draft : modelDrafter(draft.model),
    sampling: resolveSampling(sampling),
    stops,
  })

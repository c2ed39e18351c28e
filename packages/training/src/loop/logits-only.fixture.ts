import type { CausalLM, PretrainedModel } from '@outrider/transformer'

/** The same model without hidden states to show: those are rounded to f16 where a draft learns from them, its logits are f32. */
export function logitsOnly({ model, ...rest }: PretrainedModel): PretrainedModel<CausalLM> {
  const { device, config, parameterCount } = model
  return {
    ...rest,
    model: {
      device,
      config,
      parameterCount,
      createCache: (options) => model.createCache(options),
      forward: (tokens, options) => model.forward(tokens, options),
      dispose() {},
    },
  }
}

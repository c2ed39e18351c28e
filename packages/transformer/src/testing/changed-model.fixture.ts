import type { CausalLM } from '../model/index'

/** A model that does what another does, but for what is given. */
export const changedModel = (model: CausalLM, change: Partial<CausalLM>): CausalLM => ({
  device: model.device,
  config: model.config,
  parameterCount: model.parameterCount,
  isReplayable: true,
  createCache: (options) => model.createCache(options),
  forward: (tokens, options) => model.forward(tokens, options),
  dispose() {},
  ...change,
})

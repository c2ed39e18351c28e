import { checkUse, readWindow, uniformTypes, windowsByLayer } from '../layer-windows'
import type { ModelFamily } from './family'

const defaultWindow = 4096

/** A Llama that attends to a window. Jiang et al. 2023, arXiv 2310.06825. */
export const mistral: ModelFamily = {
  modelType: 'mistral',
  className: 'MistralForCausalLM',
  baseClassName: 'MistralModel',
  examples: 'Mistral 7B',
  defaults: { contextLength: 131_072, kvHeads: 8, bosTokenId: 1, eosTokenId: 2 },
  usedKeys: ['sliding_window', 'use_sliding_window'],
  // null is no window; in the files of the first release the field is absent or 4096.
  read(fields, layers) {
    const window = readWindow(fields, defaultWindow)
    const types = layers.layerTypes ?? uniformTypes(layers.layers, window)
    const windows = windowsByLayer(fields, { ...layers, layerTypes: types }, window)
    checkUse(fields, layers, windows.slidingWindow)
    return windows
  },
  write: ({ slidingWindow, layerTypes }) => ({
    sliding_window: slidingWindow ?? null,
    ...(layerTypes && { layer_types: layerTypes }),
  }),
  gguf: {
    architecture: 'llama',
    interleaved: true,
    computes: ['attentionBias', 'mlpBias', 'ropeScaling'],
    ropeScaling: ['linear', 'llama3', 'yarn'],
  },
}

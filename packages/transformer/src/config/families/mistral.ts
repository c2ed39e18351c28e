import { sizeLimits } from '../size-limits'
import type { ModelFamily } from './family'

const defaultWindow = 4096

/** A Llama that attends to a window. Jiang et al. 2023, arXiv 2310.06825. */
export const mistral: ModelFamily = {
  modelType: 'mistral',
  className: 'MistralForCausalLM',
  examples: 'Mistral 7B',
  defaults: { contextLength: 131_072 },
  // null is no window; in the files of the first release the field is absent or 4096.
  read: (fields) =>
    fields.isNull('sliding_window')
      ? {}
      : { slidingWindow: fields.count('sliding_window', defaultWindow, sizeLimits.contextLength) },
  write: ({ slidingWindow }) => ({ sliding_window: slidingWindow ?? null }),
  gguf: { architecture: 'llama', interleaved: true },
}

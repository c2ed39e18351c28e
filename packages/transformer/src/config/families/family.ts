import type { Fields } from '../fields'
import type { ModelConfig } from '../model-config'

/** What sets a family of models apart from a plain Llama: what its config.json says, and how its weights are stored. */
export interface ModelFamily {
  /** `model_type` of config.json, and `architecture` of a ModelConfig. */
  readonly modelType: string
  /** The class that `architectures` of config.json names. */
  readonly className: string
  /** Models that have this form, for people. */
  readonly examples: string
  /** What transformers takes for fields that are absent, where that is not what it takes for a Llama. */
  readonly defaults?: { readonly contextLength?: number; readonly headDim?: number; readonly rmsNormEpsilon?: number }
  /** Reads what is the family's own. `layers` is the number of layers. */
  read?(fields: Fields, layers: number): Partial<ModelConfig>
  /** Writes it. */
  write?(config: ModelConfig): Record<string, unknown>
  /** Stored matrices that are several parameters, one above another: the stored part by its name, and its parts in order. */
  readonly joined?: Readonly<Record<string, readonly string[]>>
  /** How llama.cpp knows the family, and whether it turns neighbouring elements of a head instead of its halves. */
  readonly gguf: { readonly architecture: string; readonly interleaved: boolean }
}

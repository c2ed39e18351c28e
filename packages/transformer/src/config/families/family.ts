import type { OutriderError } from '@outrider/tensor'
import type { GgufFields } from '../../files/gguf/fields'
import type { GgufValue } from '../../files/gguf/value'
import type { Fields } from '../fields'
import type { Activation, ModelConfig } from '../model-config'
import type { RopeScaling } from '../rope-scaling'

/** What is known of the layers before what is the family's own. */
export interface LayersRead {
  layers: number
  contextLength: number
  /** What each layer attends to, where the file says it. */
  layerTypes: readonly string[] | undefined
}

/** What sets a family of models apart from a plain Llama: what its config.json says, and how its weights are stored. */
export interface ModelFamily {
  /** `model_type` of config.json, and `architecture` of a ModelConfig. */
  readonly modelType: string
  /** The class that `architectures` of config.json names. */
  readonly className: string
  /** The class of the model without its head, where one of it is saved alone. */
  readonly baseClassName: string
  /** Models that have this form, for people. */
  readonly examples: string
  /** What transformers takes for fields that are absent, where that is not what it takes for most. */
  readonly defaults?: {
    readonly contextLength?: number
    readonly headDim?: number
    readonly kvHeads?: number
    readonly ropeTheta?: number
    readonly rmsNormEpsilon?: number
    readonly bosTokenId?: number
    readonly eosTokenId?: number
    readonly padTokenId?: number
    readonly tieWordEmbeddings?: boolean
  }
  /** What gates its MLP, under `hidden_act`. Default SiLU. */
  readonly activation?: Activation
  /** Keys of config.json that `read` uses, beside those that are used in every family. */
  readonly usedKeys?: readonly string[]
  /** Keys that others compute with and this one does not, whatever they say. */
  readonly harmlessKeys?: readonly string[]
  /** Reads what is the family's own. */
  read?(fields: Fields, layers: LayersRead): Partial<ModelConfig>
  /** Writes it. */
  write?(config: ModelConfig): Record<string, unknown>
  /** Stored matrices that are several parameters, one above another: the stored part by its name, and its parts in order. */
  readonly joined?: Readonly<Record<string, readonly string[]>>
  /** What it computes of rotary positions beyond one kind for whole heads. */
  readonly rotary?: {
    /** Heads may be turned in part. */
    readonly partial?: true
    /** Layers with a window have positions of their own. */
    readonly sliding?: SlidingRope
    /** What kinds of scaling were called before. */
    readonly oldNames?: Readonly<Record<string, RopeScaling['type']>>
    /** `original_max_position_embeddings` where it is not at the top of the file; one among the parameters does not count then. */
    readonly originalContextLength?: number
  }
  readonly gguf: GgufForm
}

/** The bases of rotary positions that differ between layers, where a file does not say them. */
export interface SlidingRope {
  /** Of layers that see all. */
  readonly ropeTheta: number
  /** Of those with a window. */
  readonly slidingRopeTheta: number
  /** The key of the latter in files of before `rope_parameters`. */
  readonly slidingRopeThetaKey: string
}

/** What a model may have beyond a plain Llama, by the fields of its configuration. */
export type OptionalField = Exclude<
  OptionalKeys<ModelConfig>,
  'bosTokenId' | 'padTokenId' | 'maskTokenId' | 'coveredIds'
>

type OptionalKeys<T> = { [K in keyof T]-?: undefined extends T[K] ? K : never }[keyof T]

/** What an architecture of llama.cpp may imply of a model. */
export type Implied = Partial<Pick<ModelConfig, Exclude<OptionalField, 'slidingWindow'> | 'tieWordEmbeddings'>>

/** How llama.cpp knows a family. */
export interface GgufForm {
  readonly architecture: string
  /** Whether it turns neighbouring elements of a head instead of its halves. */
  readonly interleaved: boolean
  /** What it computes with in this architecture, of what a model may have. A model that has more is not written. */
  readonly computes: readonly OptionalField[]
  /** What it computes in this architecture whatever a file says, by the sizes of the model. A model that is otherwise is not written. */
  implies?(sizes: Pick<ModelConfig, 'layers' | 'hiddenSize' | 'heads' | 'headDim'>): Implied
  /** The biases of attention that it computes with, where it does. Default 'all'. */
  readonly attentionBias?: 'qkv'
  /** The kinds of rotary scaling that it computes. */
  readonly ropeScaling: readonly RopeScaling['type'][]
  /** Metadata keys that `read` uses, without the architecture before them. */
  readonly usedKeys?: readonly string[]
  /** Reads what is the family's own. */
  read?(fields: GgufFields): Partial<ModelConfig>
  /**
   * Writes it.
   *
   * @param refuse  the error for what it does not compute in this architecture
   */
  write?(config: ModelConfig, refuse: (what: string) => OutriderError): Record<string, GgufValue>
}

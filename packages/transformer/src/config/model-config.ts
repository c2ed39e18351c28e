import type { LayerType } from './by-layer'
import type { Rope, RopeScaling } from './rope-scaling'

/** What gates an MLP: x · sigmoid(x), or GELU in its form with tanh (Hendrycks & Gimpel 2016, arXiv 1606.08415). */
export type Activation = 'silu' | 'gelu_tanh'

/**
 * What a model is made of: the hyperparameters under the names that this project uses. Families differ in the optional ones;
 * without them it is a Llama.
 */
export interface ModelConfig {
  /** The family in whose form the model is stored: `model_type` of its config.json. */
  architecture: string
  /** Rows of the embedding table; a checkpoint may pad it beyond the tokenizer's pieces. */
  vocabularySize: number
  hiddenSize: number
  /** Width of the gated MLP. */
  intermediateSize: number
  layers: number
  /** Query heads. */
  heads: number
  /** Key and value heads; each serves heads / kvHeads query heads. */
  kvHeads: number
  headDim: number
  /** Positions the model was trained for: prompt and answer together. */
  contextLength: number
  ropeTheta: number
  ropeScaling?: RopeScaling
  /** Elements of every head that are turned, its first. Absent: all. */
  rotaryDim?: number
  /** The rotary positions of layers with a window, where they are others. */
  slidingRope?: Pick<Rope, 'ropeTheta' | 'ropeScaling'>
  /** Layers that know no positions. Absent: none. */
  layersWithoutRope?: readonly number[]
  /** Which projections of attention have biases: queries, keys and values, or the output too. */
  attentionBias?: 'qkv' | 'all'
  /** Whether the projections of the MLP have biases. */
  mlpBias?: boolean
  /** Queries and keys are RMS-normalised before they are rotated: every head by itself, or all of a token's together. */
  qkNorm?: 'head' | 'all'
  /** Positions that a token attends to, its own included. Absent: all before it. */
  slidingWindow?: number
  /** Which layers have the window. Absent: all of them, if there is one. */
  layerTypes?: readonly LayerType[]
  /** What attention's scores are multiplied by. Absent: 1 / √headDim. */
  attentionScale?: number
  /** Attention's scores s become cap · tanh(s / cap). Absent: they stay. */
  attentionSoftCap?: number
  /** What gates the MLP. Absent: SiLU. */
  activation?: Activation
  /** Where norms are: before attention and the MLP, after them, or both. Absent: before. */
  normPlacement?: 'before' | 'after' | 'around'
  /** 1 where weights of norms are stored as their distance from 1. Absent: 0. */
  normOffset?: 0 | 1
  rmsNormEpsilon: number
  /** What embeddings are multiplied by. Absent: 1. */
  embeddingScale?: number
  /** What attention and the MLP are multiplied by before they are added. Absent: 1. */
  residualScale?: number
  /** What the head's products are multiplied by. Absent: 1. */
  logitScale?: number
  /** Logits x become cap · tanh(x / cap). Absent: they stay. */
  logitSoftCap?: number
  /** Whether the output head is the embedding table itself. */
  tieWordEmbeddings: boolean
  /** The ids that the head covers, ascending, the ends of text among them; it never says another. Absent: all. */
  coveredIds?: readonly number[]
  bosTokenId?: number
  /** Any of these ends an answer. */
  eosTokenIds: number[]
  padTokenId?: number
  /**
   * The id that stands for tokens that are not drafted yet (`pard_token`). A draft that has one proposes a block in one pass: no text
   * has the id, which may be a row of the embedding beyond the target's. Absent: it drafts one token after another.
   */
  maskTokenId?: number
  /** Standard deviation of freshly initialised weights. */
  initializerRange: number
}

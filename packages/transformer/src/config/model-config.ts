import type { RopeScaling } from './rope-scaling'

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
  /** Which projections of attention have biases: queries, keys and values, or the output too. */
  attentionBias?: 'qkv' | 'all'
  /** Whether the projections of the MLP have biases. */
  mlpBias?: boolean
  /** Whether every head of queries and keys is RMS-normalised before it is rotated. */
  qkNorm?: boolean
  /** Positions that a token attends to, its own included. Absent: all before it. */
  slidingWindow?: number
  rmsNormEpsilon: number
  /** Whether the output head is the embedding table itself. */
  tieWordEmbeddings: boolean
  bosTokenId?: number
  /** Any of these ends an answer. */
  eosTokenIds: number[]
  padTokenId?: number
  /** Standard deviation of freshly initialised weights. */
  initializerRange: number
}

/** What a model is made of: the hyperparameters under the names that this project uses. */
export interface ModelConfig {
  architecture: 'llama'
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

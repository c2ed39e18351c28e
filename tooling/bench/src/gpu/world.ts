import type { ModelConfig } from '@outrider/transformer'
import type { GpuSettings } from './step'
import type { Timing } from './timed'

/** The shapes of a size. */
export interface World {
  target: ModelConfig
  /** A draft of the same vocabulary, with weights of its own. */
  draft: ModelConfig
  /** Bytes of the large copy. */
  copyBytes: number
  /** n of matmul's n³. */
  side: number
  /** Tokens of prompts that are read. */
  prompts: readonly number[]
  /** Tokens that are answered. */
  answer: number
  /** Sequences of a training step, and their length. */
  batch: readonly [number, number]
  timing: Timing
}

const common = {
  architecture: 'llama' as const,
  ropeTheta: 10_000,
  rmsNormEpsilon: 1e-5,
  tieWordEmbeddings: false,
  eosTokenIds: [],
  initializerRange: 0.02,
} satisfies Partial<ModelConfig>

/** Four layers of 1,024: the drafter of 115 million parameters of Goel et al. 2024 (arXiv 2403.00858, table 1). */
const drafter115M: ModelConfig = {
  ...common,
  vocabularySize: 32_000,
  hiddenSize: 1024,
  intermediateSize: 2816,
  layers: 4,
  heads: 8,
  kvHeads: 8,
  headDim: 128,
  contextLength: 4096,
}

const large = {
  copyBytes: 2 ** 30,
  side: 4096,
  prompts: [512, 2048],
  answer: 128,
  batch: [8, 256],
  timing: { rounds: 5, roundMilliseconds: 60 },
} as const

export const worlds: Readonly<Record<GpuSettings['size'], World>> = {
  tiny: {
    target: {
      ...common,
      vocabularySize: 320,
      hiddenSize: 64,
      intermediateSize: 128,
      layers: 3,
      heads: 4,
      kvHeads: 2,
      headDim: 16,
      contextLength: 128,
    },
    draft: {
      ...common,
      vocabularySize: 320,
      hiddenSize: 32,
      intermediateSize: 64,
      layers: 1,
      heads: 2,
      kvHeads: 2,
      headDim: 16,
      contextLength: 128,
    },
    copyBytes: 2 ** 20,
    side: 128,
    prompts: [24],
    answer: 16,
    batch: [2, 16],
    timing: { rounds: 1, roundMilliseconds: 1 },
  },
  // TinyLlama's shape.
  '1.1B': {
    ...large,
    target: {
      ...common,
      vocabularySize: 32_000,
      hiddenSize: 2048,
      intermediateSize: 5632,
      layers: 22,
      heads: 32,
      kvHeads: 4,
      headDim: 64,
      contextLength: 4096,
    },
    draft: drafter115M,
  },
  // Llama 2 7B's.
  '7B': {
    ...large,
    target: {
      ...common,
      vocabularySize: 32_000,
      hiddenSize: 4096,
      intermediateSize: 11_008,
      layers: 32,
      heads: 32,
      kvHeads: 32,
      headDim: 128,
      contextLength: 4096,
    },
    draft: drafter115M,
  },
}

import type { Activation, Rope } from '../config/index'

/**
 * A model as data: what its parameters are called, how large they are, and what is computed with them. `describeModel` makes it of
 * a configuration; `trainingPass` computes it differentiably, `inferencePass` in few dispatches over a cache.
 */
export interface ModelDescription {
  embedding: Embedding
  layers: readonly Layer[]
  /** Before the head. */
  norm: Norm
  head: HeadDescription
}

/** Rows of a table [rows, columns], multiplied by `scale`. */
export interface Embedding {
  weight: string
  rows: number
  columns: number
  /** 1 in most. */
  scale: number
}

/** x / √(mean(x²) + ε) · (offset + weight), over rows as wide as the weight. */
export interface Norm {
  weight: string
  size: number
  epsilon: number
  /** 1 where the weights are stored as their distance from 1, else 0. */
  offset: 0 | 1
}

/** x · weightᵀ + bias. */
export interface Projection {
  weight: string // [rows, columns]
  bias?: string // [rows]
  rows: number
  columns: number
}

/** x + scale · attention(x), then y + scale · mlp(y). */
export interface Layer {
  attention: AttentionBlock
  mlp: MlpBlock
  /** What both blocks are multiplied by before they are added. 1 in most. */
  residualScale: number
}

/** What a block has around it. */
interface Block {
  /** Of what comes in. */
  before?: Norm
  /** Of what comes out, before it is added. */
  after?: Norm
}

export interface AttentionBlock extends Block {
  q: Projection
  k: Projection
  v: Projection
  output: Projection
  heads: number
  kvHeads: number
  headDim: number
  /** Of queries and keys before they are rotated: of every head by itself, or of all together, by its size. */
  qNorm?: Norm
  kNorm?: Norm
  /** Absent: the layer knows no positions. */
  rope?: Rope
  /** Positions that a token attends to, its own included. Absent: all before it. */
  window?: number
  /** What scores are multiplied by. */
  scale: number
  /** Scores s become cap · tanh(s / cap). */
  softCap?: number
}

/** down(activation(gate(x)) · up(x)) */
export interface MlpBlock extends Block {
  gate: Projection
  up: Projection
  down: Projection
  activation: Activation
}

/** Logits: cap · tanh(scale · (hidden · weightᵀ) / cap). */
export interface HeadDescription {
  /** Of a tied head, the embedding's. */
  weight: string
  rows: number
  columns: number
  scale: number
  softCap?: number
}

/** What an alignment does: all that its bytes depend on, as plain data. */
export interface AlignPlan {
  draft: { layers: number; hiddenSize: number }
  data: AlignData
  generation: {
    /** Instructions that the target answers, once at each temperature, to learn from. */
    instructions: number
    /** Instructions beside them whose answers are only measured on. */
    heldOut: number
    maxTokens: number
  }
  pretraining: { steps: number }
  distillation: {
    steps: number
    loss: LossChoice
    /** Counts how often distillation was begun anew from the same pretrained draft. */
    attempt: number
  }
  /** Rows a batch, and positions a row at most. */
  batchSize: number
  length: number
  learningRate: number
  seed: number
}

/**
 * Where instructions and pretraining text come from: the small world that the bundled model lives in; everyday instructions
 * that come with the site; or files of the user. Without text, the draft is pretrained on the target's answers.
 */
export type AlignData = 'small-world' | 'everyday' | 'own'

export type LossChoice = { kind: 'built-in'; name: string } | { kind: 'typed'; text: string }

/** Files of the user: instructions as text (one a line) or JSONL, and plain text. */
export interface OwnData {
  instructions: string
  text: string
}

/** The paper's grid (arXiv 2403.00858). */
export const temperatures = [0, 0.3, 0.7, 1] as const
export const topP = 0.95
export const draftLengths = [3, 5] as const

export const stageNames = ['generate', 'pretrain', 'distil'] as const
export type StageName = (typeof stageNames)[number]

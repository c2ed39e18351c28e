/**
 * Sizes of the demo, chosen so that all of it takes a few minutes on two cores with a software adapter. The proportions are
 * those of the paper (arXiv 2403.00858): the grid of temperatures and top-p of the answers, the mix of 9 rows of answers to
 * 1 of pretraining text, the same pretrained draft for every loss, γ of 3 and 5.
 */
export const plan = {
  draft: { layers: 1, hiddenSize: 48, heads: 3, intermediateSize: 128 },
  pretraining: { texts: 2400, steps: 170, batchSize: 8, length: 72, learningRate: 8e-3 },
  generation: { instructions: 100, temperatures: [0, 0.3, 0.7, 1], topP: 0.95, maxTokens: 48, batchSize: 32 },
  distillation: {
    losses: ['kld', 'tvd', 'tvd++'],
    steps: 85,
    batchSize: 8,
    length: 72, // the longest conversation
    learningRate: 8e-3,
    mix: [9, 1] as const,
  },
  /** Of the draft that was aligned by the last loss: as many tokens a pass as are measured. */
  adaptation: { draftLength: 5, steps: 60 },
  evaluation: { promptsPerTask: 4, draftLengths: [3, 5], maxTokens: 40 },
} as const

/** Ways of sampling that are measured; the second is the paper's for open-ended text. */
export const samplings = [
  { temperature: 0, topP: 1 },
  { temperature: 0.6, topP: 0.9 },
] as const

/** Seeds of the world's parts: nothing that is measured on was seen in training. */
export const seeds = { texts: 101, instructions: 102, prompts: 103 }

/** The draft that proposes a block in one pass, beside those that are named by their losses. */
export const parallelName = 'parallel'

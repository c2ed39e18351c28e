import { DraftSequenceTokenPredictor, type LlamaModel, type Token } from 'node-llama-cpp'
import type { Answered } from '../figures'

/** With its defaults it drafts nothing of which the draft is not sure, and does not wait for it. */
const oneEachPass = { minTokens: 1, maxTokens: 1, minConfidence: 0 }

/** Greedily, on the CPU; with a draft one token of it each pass, and the passes that were taken. */
export async function answerInLlamaCpp(
  target: LlamaModel,
  { ids, maxTokens, draft }: { ids: readonly number[]; maxTokens: number; draft?: LlamaModel | undefined },
): Promise<Omit<Answered, 'setting' | 'prompt' | 'category'>> {
  // Several threads wait for one another by spinning: on a busy machine that takes minutes.
  const size = { contextSize: ids.length + maxTokens + 8, threads: 1 }
  const context = await target.createContext(size)
  const draftContext = await draft?.createContext(size)
  try {
    const counted = draftContext && new CountedDraft(draftContext.getSequence(), oneEachPass)
    const sequence = context.getSequence(counted && { tokenPredictor: counted })
    const answer: number[] = []
    for await (const token of sequence.evaluate(ids as Token[], { temperature: 0, yieldEogToken: true })) {
      answer.push(token)
      if (answer.length >= maxTokens || target.isEogToken(token)) break
    }
    if (!counted) return { ids: answer, passes: 0, drafted: 0, byModel: 0, accepted: 0, reached: 0, overlap: 0 }
    const { used, validated, refuted } = sequence.tokenPredictions
    return {
      ids: answer,
      passes: counted.passes,
      tokens: answer.length,
      drafted: counted.drafted,
      byModel: counted.drafted,
      accepted: used,
      reached: validated + refuted,
      overlap: validated,
    }
  } finally {
    await context.dispose()
    await draftContext?.dispose()
  }
}

/** It is asked before each pass of the target. */
class CountedDraft extends DraftSequenceTokenPredictor {
  passes = 0
  drafted = 0

  override async predictTokens() {
    const tokens = await super.predictTokens()
    this.passes++
    this.drafted += tokens.length
    return tokens
  }
}

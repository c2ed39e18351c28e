import { LookupGain, type StepCosts } from '@outrider/speculative'
import { generateBatch, type PretrainedModel } from '@outrider/transformer'

/** Prompts that were answered. */
export interface Answered {
  /** Seconds of all of it, tokens of the prompts, and tokens of the answers. */
  seconds: number
  read: number
  said: number
  /** How much faster lookups alone would have been; null where the answers were too few. */
  lookupSpeedUp: number | null
}

/** Answers prompts side by side, greedily. */
export async function generateTime(
  target: PretrainedModel,
  {
    prompts,
    tokens,
    costs,
    signal,
  }: {
    prompts: readonly (readonly number[])[]
    /** Tokens an answer at most. */
    tokens: number
    costs: StepCosts
    signal?: AbortSignal | undefined
  },
): Promise<Answered> {
  await generateBatch(target, prompts, { maxTokens: 2, signal }) // compiles
  const began = performance.now()
  const answers = await generateBatch(target, prompts, { maxTokens: tokens, signal })
  const seconds = (performance.now() - began) / 1000
  const gain = new LookupGain({ costs })
  let said = 0
  for (const [i, { tokens: answer }] of answers.entries()) {
    said += answer.length
    gain.add(prompts[i]!, answer)
  }
  const read = prompts.reduce((sum, prompt) => sum + prompt.length, 0)
  return { seconds, read, said, lookupSpeedUp: gain.speedUp }
}

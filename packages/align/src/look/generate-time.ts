import { LookupGain, type StepCosts } from '@outrider/speculative'
import { generateBatch, type PretrainedModel } from '@outrider/transformer'
import type { Look } from './look'

/** Answers prompts side by side, greedily: seconds a token, and what lookups would have gained on these answers. */
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
): Promise<Pick<Look, 'answerTokenSeconds' | 'lookupSpeedUp'>> {
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
  return { answerTokenSeconds: seconds / Math.max(1, said), lookupSpeedUp: gain.speedUp }
}

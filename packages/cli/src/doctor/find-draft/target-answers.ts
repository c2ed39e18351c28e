import { promptOf } from '@outrider/dataset'
import {
  type BatchSequence,
  type CausalLM,
  ContinuousBatch,
  type PretrainedModel,
  throwIfAborted,
} from '@outrider/transformer'
import type { Terminal } from '../../terminal'

/** A prompt and what the model said to it, as ids. */
export interface TargetAnswer {
  prompt: readonly number[]
  answer: readonly number[]
}

/** The most tokens of an answer: enough for γ of 15, and a minute on a slow adapter. */
const maxTokens = 48

/** The model's own greedy answers, all prompts at once. A model without a chat template goes on with them as texts. */
export async function targetAnswers(
  target: PretrainedModel<CausalLM>,
  prompts: readonly string[],
  { terminal, signal }: { terminal: Terminal; signal: AbortSignal },
): Promise<TargetAnswer[]> {
  const asked = prompts.map((content) => promptOf(target, [{ role: 'user', content }]))
  const progress = terminal.progress({ label: 'answer', total: prompts.length * maxTokens, unit: 'tokens' })
  const batch = new ContinuousBatch(target)
  const sequences: BatchSequence[] = []
  try {
    let tokens = 0
    while (sequences.length < asked.length || batch.count > 0) {
      throwIfAborted(signal)
      for (const prompt of asked.slice(sequences.length)) {
        if (batch.count > 0 && !batch.fits(prompt.length + maxTokens)) break
        sequences.push(batch.join(prompt, { maxTokens }))
      }
      tokens += (await batch.step()).length
      progress.update(tokens)
    }
  } finally {
    batch.dispose()
    terminal.endProgress()
  }
  return sequences.map(({ answer }, i) => ({ prompt: asked[i]!, answer: answer.tokens }))
}

import { promptOf } from '@outrider/dataset'
import { answerEach, type CausalLM, type PretrainedModel } from '@outrider/transformer'
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
  const requests = prompts.map((content, i) => ({
    prompt: promptOf(target, [{ role: 'user', content }]),
    maxTokens,
    i,
  }))
  const answers: TargetAnswer[] = []
  const progress = terminal.progress({ label: 'answer', total: prompts.length * maxTokens, unit: 'tokens' })
  let tokens = 0
  const onTokens = ({ generated }: { generated: number }) => {
    tokens += generated
    progress.update(tokens)
  }
  try {
    for await (const { request, answer } of answerEach(target, requests, { onTokens, signal }))
      answers[request.i] = { prompt: request.prompt, answer: answer.tokens }
  } finally {
    terminal.endProgress()
  }
  return answers
}

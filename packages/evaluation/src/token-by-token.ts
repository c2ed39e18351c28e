import { type Drafter, SpeculativeDecoder, type TokenSource, type Verification } from '@outrider/speculative'
import type { CausalLM, PretrainedModel, Prompt, SamplingOptions } from '@outrider/transformer'
import { fixed } from './numbers'
import type { Completion, CompletionToken } from './report/data'

const origins: Record<TokenSource, CompletionToken['origin']> = {
  draft: 'accepted',
  correction: 'corrected',
  bonus: 'bonus',
  plain: 'plain',
}

/** One way of answering, to be compared with others. */
export interface Way {
  title: string
  draft: PretrainedModel<CausalLM> | Drafter
  draftLength: number
}

export interface TokenByTokenOptions extends SamplingOptions {
  prompt: Prompt
  /** The prompt as people read it. */
  shown: string
  maxTokens: number
  verification?: Verification | undefined
  signal?: AbortSignal | undefined
}

/** One prompt answered in several ways, each token with where it came from. */
export async function tokenByToken(
  target: PretrainedModel<CausalLM>,
  ways: readonly Way[],
  { prompt, shown, verification, ...options }: TokenByTokenOptions,
): Promise<Completion> {
  const answers: Completion['answers'][number][] = []
  for (const { title, draft, draftLength } of ways) {
    const decoder = new SpeculativeDecoder({
      target,
      drafter: draft,
      draftLength,
      ...(verification && { verification }),
    })
    const tokens: CompletionToken[] = []
    for await (const { pieces } of decoder.generate(prompt, options))
      for (const { text, source, drafter } of pieces)
        tokens.push({ text, origin: origins[source], ...(drafter !== undefined && { drafter }) })
    const { blockEfficiency, numTargetPasses } = decoder.metrics
    answers.push({ title, note: `τ ${fixed(blockEfficiency)}: ${numTargetPasses} target passes`, tokens })
  }
  return { prompt: shown, answers }
}

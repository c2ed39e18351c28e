import { maxDraftLength, modelDrafter } from '@outrider/speculative'
import { argmax } from '@outrider/tensor'
import { type CausalLM, resolveSampling, throwIfAborted } from '@outrider/transformer'
import type { TargetAnswer } from './target-answers'

/**
 * How many tokens of a greedy draft would have been right, at each token of an answer but the first, which the prompt's pass
 * brings: up to the longest draft, or where the answer ends.
 */
export async function draftRuns(draft: CausalLM, answer: TargetAnswer, signal: AbortSignal): Promise<number[]> {
  return draft.config.maskTokenId === undefined
    ? runsOf(await draftMatches(draft, answer, signal))
    : parallelRuns(draft, answer, signal)
}

/** How many are right from each place on. */
export function runsOf(matches: readonly boolean[]): number[] {
  const runs = new Array<number>(matches.length).fill(0)
  for (let at = matches.length - 1; at >= 0; at--) if (matches[at]) runs[at] = 1 + (runs[at + 1] ?? 0)
  return runs
}

/** A parallel draft says another thing of a token the further off it is: so it drafts at every place. */
async function parallelRuns(draft: CausalLM, { prompt, answer }: TargetAnswer, signal: AbortSignal): Promise<number[]> {
  const { device, config } = draft
  const tokens = [...prompt, ...answer].slice(0, config.contextLength)
  const session = modelDrafter(draft).open({
    ...{ device, vocabularySize: config.vocabularySize },
    capacity: tokens.length + maxDraftLength,
  })
  const sampling = resolveSampling()
  const runs: number[] = []
  try {
    for (let at = prompt.length + 1; at < tokens.length; at++) {
      throwIfAborted(signal)
      const request = { tokens: tokens.slice(0, at), draftLength: maxDraftLength, sampling, offset: 0 }
      const reading = device.scope(() => {
        const drafted = session.draft(request)
        return drafted && 'tokens' in drafted ? drafted.tokens.data() : []
      })
      const said = await reading
      session.keep(at)
      let run = 0
      while (run < said.length && at + run < tokens.length && said[run] === tokens[at + run]) run++
      runs.push(run)
    }
  } finally {
    session.dispose()
  }
  return runs
}

/** Rows of a pass. */
const rows = 16

/**
 * Whether a draft would have said the same, at each token of an answer but the first, which the prompt's pass brings. As greedy
 * drafts are followed only as far as they are right, what it says after the answer's own tokens is what it would have drafted.
 */
async function draftMatches(
  draft: CausalLM,
  { prompt, answer }: TargetAnswer,
  signal: AbortSignal,
): Promise<boolean[]> {
  const { device, config } = draft
  const tokens = [...prompt, ...answer].slice(0, config.contextLength)
  const said: number[] = []
  const cache = draft.createCache({ capacity: tokens.length, context: config.contextLength })
  try {
    for (let at = 0; at < tokens.length; at += rows) {
      throwIfAborted(signal)
      const piece = tokens.slice(at, at + rows)
      const ids = device.scope(() =>
        argmax(draft.forward(device.tensor(piece, { shape: [1, piece.length], dtype: 'u32' }), { cache }), {
          logits: true,
        }),
      ) // u32 [1, rows]
      said.push(...(await ids.data()))
      ids.dispose()
    }
  } finally {
    cache.dispose()
  }
  return tokens.slice(prompt.length + 1).map((token, i) => said[prompt.length + i] === token)
}

import { draftersText, paysText } from '@outrider/evaluation'
import type { SpeculationMetrics } from '@outrider/speculative'
import { fixed } from '../terminal'
import type { ChatAnswer } from './session'
import type { ChatSettings } from './settings'

/**
 * What an answer cost and how the draft fared, in lines of at most 80 columns.
 *
 * @param whole  figures of the conversation so far: an answer alone is often too short to say whether speculation pays
 */
export function figures(
  answer: ChatAnswer,
  { maxTokens }: Pick<ChatSettings, 'maxTokens'>,
  whole: SpeculationMetrics | undefined,
): string[] {
  const { tokens, tokensPerSecond, speculation: metrics } = answer
  const rate = [`${tokens} ${tokens === 1 ? 'token' : 'tokens'}`]
  const plain = metrics?.plainTokensPerSecond
  if (tokensPerSecond > 0)
    rate.push(`${perSecond(tokensPerSecond)} tokens/s${plain ? ` (plain ≈ ${perSecond(plain)})` : ''}`)
  const ended = endingOf(answer, maxTokens)
  if (ended) rate.push(ended)
  if (!metrics) return [`${rate.join(' · ')} · without a draft`]
  const even = metrics.breakEvenAcceptanceRate
  if (metrics.numDrafts === 0) {
    if (tokens < 2 || metrics.costs === undefined) return [rate.join(' · ')]
    const needed = even === null ? 'would not pay at any α' : `pays from α ${fixed(even)}`
    return [rate.join(' · '), `nothing drafted: plain decoding is faster here, drafting ${needed}`]
  }
  const alpha = `α ${fixed(metrics.acceptanceRate)}`
  const known = metrics.costs === undefined ? '' : ` (break-even ${even === null ? 'out of reach' : fixed(even)})`
  return [
    rate.join(' · '),
    [
      `τ ${fixed(metrics.blockEfficiency)}`,
      alpha + known,
      `accepted/drafted ${metrics.numAcceptedTokens}/${metrics.numDraftTokens} = ${fixed(metrics.draftAcceptanceRate)}`,
      `γ ${fixed(metrics.meanDraftLength, 1)}`,
    ].join(' · '),
    draftersText(metrics),
    whole?.costs ? paysText(whole) : '',
  ].filter((line) => line !== '')
}

const perSecond = (tokens: number) => fixed(tokens, tokens < 10 ? 1 : 0)

function endingOf({ finishReason, contextFull }: ChatAnswer, maxTokens: number): string | undefined {
  if (finishReason === 'stopped') return 'stopped'
  if (contextFull) return 'cut off: the context is full'
  return finishReason === 'length' ? `cut off at --max-tokens ${maxTokens}` : undefined
}

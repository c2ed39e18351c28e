import type { SpeculationFigures } from '@outrider/speculative'

/** Who drafts, as people read it. A drafter of another's is said as it calls itself. */
const names: Record<string, string> = { prompt: 'looked up', answers: 'from answers', model: 'by the draft' }

export const drafterName = (drafter: string): string => names[drafter] ?? drafter

/**
 * What of each drafter's drafts was accepted; empty where a model drafted everything, as the figures of all say it then.
 */
export function draftersText({ drafters }: Pick<SpeculationFigures, 'drafters'>): string {
  if (drafters.every(({ drafter }) => drafter === 'model')) return ''
  const parts = drafters.map(
    ({ drafter, numAcceptedTokens, numDraftTokens }) =>
      `${drafterName(drafter)} ${numAcceptedTokens}/${numDraftTokens}`,
  )
  return `accepted: ${parts.join(' · ')}`
}

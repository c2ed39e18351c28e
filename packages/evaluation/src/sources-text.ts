import type { SpeculationFigures } from '@outrider/speculative'

/** Sources of drafts as people read them. One of a drafter of another's is said as it is. */
const names: Record<string, string> = { prompt: 'looked up', answers: 'from answers', model: 'by the draft' }

export const sourceName = (source: string): string => names[source] ?? source

/**
 * What of each source's drafts was accepted; empty where a model drafted everything, as the figures of all say it then.
 */
export function sourcesText({ sources }: Pick<SpeculationFigures, 'sources'>): string {
  if (sources.every(({ source }) => source === 'model')) return ''
  const parts = sources.map(
    ({ source, numAcceptedTokens, numDraftTokens }) => `${sourceName(source)} ${numAcceptedTokens}/${numDraftTokens}`,
  )
  return `accepted: ${parts.join(' · ')}`
}

import type { SpeculationFigures } from '@outrider/speculative'

/** By position in the block: the share of drafts that kept this token, and α there, if any reached it. */
export const positionsOf = ({ numDrafts, numAcceptedTokensPerPos, acceptanceRatePerPos }: SpeculationFigures) =>
  numAcceptedTokensPerPos.map((kept, position) => ({
    kept: kept / numDrafts,
    acceptanceRate: acceptanceRatePerPos[position] ?? null,
  }))

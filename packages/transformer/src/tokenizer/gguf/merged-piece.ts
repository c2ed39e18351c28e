/** What merging makes of the characters of a piece. */
export interface MergedPiece {
  /** The piece itself, or the parts that no merge joins. */
  parts: readonly string[]
  /** The rank of the last merge, where there was one. */
  rank: number | undefined
}

/** The key of a pair in `ranks`. */
export const pairKey = (left: string, right: string): string => `${left} ${right}`

/**
 * Byte-pair encoding of one piece: the pair of the lowest rank is joined, the first where it is there twice, until no pair is
 * a merge. Within a longer text its characters are joined in the same order, as long as nothing joins one with its neighbour.
 *
 * @param ranks  of every merge, by `pairKey`
 */
export function mergedPiece(piece: string, ranks: ReadonlyMap<string, number>): MergedPiece {
  let parts = [...piece]
  let last: number | undefined
  while (parts.length > 1) {
    let [best, at] = [Number.POSITIVE_INFINITY, -1]
    for (let i = 0; i + 1 < parts.length; i++) {
      const rank = ranks.get(pairKey(parts[i]!, parts[i + 1]!))
      if (rank !== undefined && rank < best) [best, at] = [rank, i]
    }
    if (at < 0) break
    last = best
    parts = [...parts.slice(0, at), parts[at]! + parts[at + 1]!, ...parts.slice(at + 2)]
  }
  return { parts, rank: last }
}

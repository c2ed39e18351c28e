/** Neighbouring rows. */
export interface Chunk {
  first: number
  count: number
}

/**
 * Divides rows into chunks of `most` at most, as equal as can be: of whole scopes where one fits, else of parts of one scope.
 *
 * @param scopeRows  how many neighbouring rows make a scope; divides `rows`
 */
export function chunksOf(rows: number, scopeRows: number, most: number): { chunks: Chunk[]; wholeScopes: boolean } {
  const wholeScopes = scopeRows <= most
  const chunks: Chunk[] = []
  if (wholeScopes) {
    const step = scopeRows === 1 ? rowStep : 1
    for (const { first, count } of parts(rows / scopeRows, Math.floor(most / scopeRows), step))
      chunks.push({ first: first * scopeRows, count: count * scopeRows })
    return { chunks, wholeScopes }
  }
  for (let scope = 0; scope < rows; scope += scopeRows)
    for (const { first, count } of parts(scopeRows, most, rowStep)) chunks.push({ first: scope + first, count })
  return { chunks, wholeScopes }
}

/** The fastest products take a multiple of this. */
const rowStep = 8

/** Equal parts, of a multiple of `step` where one fits. */
function parts(length: number, most: number, step: number): Chunk[] {
  const equal = Math.ceil(length / Math.ceil(length / most))
  const rounded = Math.ceil(equal / step) * step
  const size = rounded <= most ? rounded : equal
  const result: Chunk[] = []
  for (let first = 0; first < length; first += size) result.push({ first, count: Math.min(size, length - first) })
  return result
}

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
    for (const { first, count } of parts(rows / scopeRows, Math.floor(most / scopeRows)))
      chunks.push({ first: first * scopeRows, count: count * scopeRows })
    return { chunks, wholeScopes }
  }
  for (let scope = 0; scope < rows; scope += scopeRows)
    for (const { first, count } of parts(scopeRows, most)) chunks.push({ first: scope + first, count })
  return { chunks, wholeScopes }
}

function parts(length: number, most: number): Chunk[] {
  const size = Math.ceil(length / Math.ceil(length / most))
  const result: Chunk[] = []
  for (let first = 0; first < length; first += size) result.push({ first, count: Math.min(size, length - first) })
  return result
}

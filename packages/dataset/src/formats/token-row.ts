import { bits, integers, type Json, list, malformed } from './fields'
import type { TokensRow } from './row'
import { rowKeys, unknownKeys } from './row-keys'

/**
 * Tokens with what says which of them are learned: `loss_mask`; `labels`, where −100 is not (transformers, axolotl);
 * `completion_mask` and `assistant_masks` (TRL). All that are there must agree on a token. `attention_mask` 0 is padding, on
 * either side.
 */
export function tokensOf(row: Json, where: string): TokensRow {
  const tokens = integers(row, 'input_ids', where)
  const beside = (field: string, read: () => readonly number[]) => {
    if (!(field in row)) return undefined
    const values = read()
    if (values.length === tokens.length) return values
    throw malformed(where, `input_ids has ${tokens.length} elements and ${field} ${values.length}`)
  }
  refuseColumns(row, tokens.length, where)
  const mask = (field: string) => beside(field, () => bits(row, field, where))
  const labels = beside('labels', () => labelsOf(row, tokens, where))
  const attended = mask('attention_mask')
  const masks = [mask('loss_mask'), mask('completion_mask'), mask('assistant_masks')]
  // Padding is no part of the row: what follows it would otherwise see it.
  const kept = [...tokens.keys()].filter((i) => attended?.[i] !== 0)
  if (kept.length === 0) throw malformed(where, 'attention_mask leaves no token')
  const learned = (i: number) => (masks.some((mask) => mask?.[i] === 0) || labels?.[i] === notLearned ? 0 : 1)
  return { kind: 'tokens', tokens: kept.map((i) => tokens[i]!), lossMask: kept.map(learned) }
}

/** A number for every token, under a name that nobody knows, may say what is learned of it, or where it stands. */
function refuseColumns(row: Json, length: number, where: string): void {
  for (const key of unknownKeys(row, rowKeys)) {
    const values = row[key]
    if (!Array.isArray(values) || values.length !== length) continue
    if (!values.every((value) => typeof value === 'number' || typeof value === 'boolean')) continue
    throw malformed(
      where,
      `${key} has a number for every token of input_ids, and it is not known what it says`,
      `Call it loss_mask, if it says which tokens are learned; or take ${key} out.`,
    )
  }
}

/** The label of a token that is not learned, in PyTorch's cross-entropy and in all that build on it. */
const notLearned = -100

/** What is learned must be the token itself: labels are not yet shifted here, as in transformers. */
function labelsOf(row: Json, tokens: readonly number[], where: string): number[] {
  const labels = list(row, 'labels', where)
  const other = labels.findIndex((label, i) => label !== notLearned && label !== tokens[i])
  if (other >= 0 && other < tokens.length)
    throw malformed(where, `labels[${other}] is ${JSON.stringify(labels[other])}, neither input_ids[${other}] nor −100`)
  return labels as number[]
}

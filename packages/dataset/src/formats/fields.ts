import { OutriderError } from '@outrider/tensor'

/** A JSON object whose fields are not known yet. */
export type Json = Record<string, unknown>

/** Fields of a row, of the types that they must have. `where` names the row in errors. */

export function text(row: Json | undefined, field: string, where: string): string {
  const value = row?.[field]
  if (typeof value !== 'string')
    throw malformed(where, `${field} must be a string, not ${isAbsent(value) ? 'missing' : typeof value}`)
  return value
}

/**
 * The text of whichever of these fields is there; undefined where none is, or all are empty. They are names for one thing, so
 * two that say different things are refused.
 */
export function optionalText(row: Json | undefined, fields: readonly string[], where: string): string | undefined {
  const given = fields.filter((field) => !isAbsent(row?.[field]) && text(row, field, where) !== '')
  const [first] = given
  const other = given.find((field) => row![field] !== row![first!])
  if (other === undefined) return first && text(row, first, where)
  throw malformed(where, `${first} and ${other} say different things, and one of them would count`, `Leave one out.`)
}

export function list(row: Json, field: string, where: string): unknown[] {
  const value = row[field]
  if (typeof value === 'string')
    throw malformed(
      where,
      `${field} must be a list, not a text`,
      /^\s*[[{]/.test(value) ? asJsonText(field) : undefined,
    )
  if (!Array.isArray(value) || value.length === 0)
    throw malformed(where, `${field} must be a list with something in it`)
  return value
}

export function integers(row: Json, field: string, where: string): number[] {
  const values = list(row, field, where)
  if (!values.every((value) => Number.isInteger(value) && (value as number) >= 0))
    throw malformed(where, `${field} must hold whole numbers`)
  return values as number[]
}

export function bits(row: Json, field: string, where: string): number[] {
  const values = list(row, field, where).map((value) => (typeof value === 'boolean' ? Number(value) : value))
  if (!values.every((value) => value === 0 || value === 1)) throw malformed(where, `${field} must hold 0 and 1`)
  return values as number[]
}

/** Null, or the NaN that pandas has where there is no text. */
export const isAbsent = (value: unknown): boolean =>
  value === null || value === undefined || (typeof value === 'number' && Number.isNaN(value))

/** An object without the fields that are absent: what joins rows of several kinds gives each the others' columns so. */
export const present = (value: object): Json =>
  Object.fromEntries(Object.entries(value).filter(([, field]) => !isAbsent(field)))

const asJsonText = (field: string) =>
  `It is a list written as text: write ${field} as the list, json.loads(row["${field}"]).`

export function malformed(where: string, what: string, remedy = 'Mend the row, or leave it out.'): OutriderError {
  return new OutriderError('FILE_FORMAT', `${where}: ${what}.`, { remedy, details: { where } })
}

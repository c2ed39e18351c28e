import type { Json } from './fields'

/**
 * What an object is that has no field of a row: a whole file in another layout, as pandas and others write it.
 *
 * @returns what it is and what makes rows of it; undefined where nothing is known
 */
export function otherLayout(object: Json): { what: string; remedy: string } | undefined {
  const keys = Object.keys(object)
  if (keys.length === 0) return undefined
  if (isByIndex(object) || keys.every((key) => isByIndex(object[key])))
    return { what: 'it is a table by columns or by index, not a row', remedy: asRecords }
  if (Array.isArray(object.data) && (Array.isArray(object.columns) || 'schema' in object))
    return { what: 'it is a whole table, not a row', remedy: asRecords }
  const list = keys.find((key) => isOfObjects(object[key]))
  if (list === undefined) return undefined
  return {
    what: `it has no field of a row, and a list of objects under ${list}`,
    remedy: `If those are the rows, write them one a line, as JSONL: jq -c ".${list}[]" file > rows.jsonl.`,
  }
}

const asRecords = 'pandas writes rows with to_json(file, orient="records", lines=True).'

/** `{"0": …, "1": …}` */
export function isByIndex(value: unknown): boolean {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return false
  const keys = Object.keys(value)
  return keys.length > 0 && keys.every((key, i) => key === String(i))
}

const isOfObjects = (value: unknown): boolean =>
  Array.isArray(value) && value.length > 0 && value.every((one) => one !== null && typeof one === 'object')

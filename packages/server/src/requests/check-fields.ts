import { nearest } from '@outrider/tensor/internal'
import { ApiError } from '../api-error'

/** Whether a value of a field asks for nothing. */
export type IsNeutral = (value: unknown) => boolean

/** The fields that an object of a request may have, each in one list. Every other one is refused. */
export interface FieldLists {
  used: readonly string[]
  /** Taken with any value: they change no answer. */
  harmless: readonly string[]
  /** They would change the answer, and are not implemented: only values that ask for nothing are taken. */
  refused: Readonly<Record<string, IsNeutral>>
  /** What does here what a field of another API does there. */
  instead?: Readonly<Record<string, string>>
}

/**
 * Checks the names of an object's fields. A client that relies on a field that is not implemented is told, rather than given
 * another answer than it asked for; so is one that misspells a field.
 *
 * @throws ApiError 400 that names the field
 */
export function checkFields(object: object, lists: FieldLists, path = ''): void {
  for (const [field, value] of Object.entries(object)) {
    if (value === null || lists.used.includes(field) || lists.harmless.includes(field)) continue
    const param = `${path}${field}`
    const isNeutral = Object.hasOwn(lists.refused, field) ? lists.refused[field] : undefined
    if (isNeutral?.(value)) continue
    const advice = adviceFor(field, lists)
    if (isNeutral)
      throw new ApiError(400, `${param} is not supported by this server.${advice}`, {
        param,
        code: 'unsupported_parameter',
      })
    throw new ApiError(400, `${shortened(param)} is no field that this server knows.${advice || meant(field, lists)}`, {
      param: shortened(param),
      code: 'unknown_parameter',
    })
  }
}

function adviceFor(field: string, { instead = {} }: FieldLists): string {
  return Object.hasOwn(instead, field) ? ` Use ${instead[field]}.` : ''
}

function meant(field: string, { used, refused }: FieldLists): string {
  const known = nearest(field, [...used, ...Object.keys(refused)])
  return known === undefined ? '' : ` Did you mean ${known}?`
}

const shortened = (text: string) => (text.length > 100 ? `${text.slice(0, 100)}…` : text)

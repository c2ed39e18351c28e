import { OutriderError } from '@outrider/tensor'

/** A stranger's value as errors print it: as JSON, NaN by its name, and not endless. */
export function printed(value: unknown): string {
  const text = typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? String(value))
  return text.length > 120 ? `${text.slice(0, 120)}…` : text
}

/** Typed access to the fields of a JSON object from a file, with errors that name the file, the field and its value. */
export class Fields {
  readonly #json: Record<string, unknown>
  readonly #file: string

  constructor(json: unknown, file: string) {
    this.#file = file
    if (typeof json !== 'object' || json === null || Array.isArray(json))
      throw new OutriderError('FILE_FORMAT', `${file} is not a JSON object.`, { details: { file } })
    this.#json = json as Record<string, unknown>
  }

  /** The value as it is; null and absent are both undefined. */
  get(field: string): unknown {
    return (this.has(field) ? this.#json[field] : undefined) ?? undefined
  }

  /** The fields that are there, null or not. */
  get names(): string[] {
    return Object.keys(this.#json)
  }

  /** Whether the field is there, be it null: for fields where that says another thing than absence. */
  has(field: string): boolean {
    return Object.hasOwn(this.#json, field)
  }

  /** Whether the field is there, and null. */
  isNull(field: string): boolean {
    return this.has(field) && this.#json[field] === null
  }

  /** The fields of an object, or undefined if it is absent. */
  object(field: string): Fields | undefined {
    const value = this.get(field)
    if (value === undefined) return undefined
    if (typeof value === 'object' && !Array.isArray(value)) return new Fields(value, `${this.#file}: ${field}`)
    throw this.wrong(field, 'an object or null')
  }

  /** A positive integer of at most `most`, or `fallback` if it is absent; without a fallback it must be there. */
  count(field: string, fallback?: number, most = Number.MAX_SAFE_INTEGER): number {
    const value = this.get(field) ?? fallback
    if (Number.isSafeInteger(value) && (value as number) > 0 && (value as number) <= most) return value as number
    const isBounded = most < Number.MAX_SAFE_INTEGER
    throw this.wrong(field, isBounded ? `a positive integer of at most ${most}` : 'a positive integer')
  }

  /** A positive number, or `fallback` if it is absent; without a fallback it must be there. */
  positive(field: string, fallback?: number): number {
    const value = this.get(field) ?? fallback
    if (typeof value === 'number' && Number.isFinite(value) && value > 0) return value
    throw this.wrong(field, 'a positive number')
  }

  flag(field: string, fallback: boolean): boolean {
    const value = this.get(field) ?? fallback
    if (typeof value === 'boolean') return value
    throw this.wrong(field, 'true or false')
  }

  /** A number in [low, high], or undefined if it is absent. */
  number(field: string, low: number, high: number): number | undefined {
    const value = this.get(field)
    if (value === undefined || (typeof value === 'number' && value >= low && value <= high)) return value
    throw this.wrong(field, `a number from ${low} to ${high}`)
  }

  /** A token id, or undefined if it is absent or says that there is none. */
  token(field: string): number | undefined {
    const ids = this.tokens(field)
    if (ids.length > 1) throw this.wrong(field, 'one token id')
    return ids[0]
  }

  /** One token id or a list of them; none if it is absent. Ids below 0, and null in a list, say that there is none. */
  tokens(field: string): number[] {
    const value = this.get(field) ?? []
    const ids: unknown[] = Array.isArray(value) ? value : [value]
    if (ids.every((id) => id === null || Number.isSafeInteger(id)))
      return [...new Set((ids as (number | null)[]).filter((id) => id !== null && id >= 0))] as number[]
    throw this.wrong(field, 'a token id or a list of them')
  }

  /** The same with some fields otherwise. */
  with(changes: Readonly<Record<string, unknown>>): Fields {
    return new Fields({ ...this.#json, ...changes }, this.#file)
  }

  /** The file's name, and where in it. */
  get file(): string {
    return this.#file
  }

  wrong(field: string, expected: string): OutriderError {
    const value = this.get(field)
    const found = value === undefined ? 'is missing' : `is ${printed(value)}`
    return new OutriderError('FILE_FORMAT', `${this.#file}: ${field} ${found}; it must be ${expected}.`, {
      details: { file: this.#file, field, value },
    })
  }

  unsupported(what: string, remedy?: string): OutriderError {
    return new OutriderError('UNSUPPORTED', `${this.#file}: ${what}.`, { remedy, details: { file: this.#file } })
  }
}

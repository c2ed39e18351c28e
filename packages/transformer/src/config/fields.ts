import { OutriderError } from '@outrider/tensor'

/** Typed access to the fields of a JSON object from a file, with errors that name the file, the field and its value. */
export class Fields {
  readonly #json: Record<string, unknown>
  readonly #file: string

  constructor(json: unknown, file: string) {
    if (typeof json !== 'object' || json === null || Array.isArray(json))
      throw new OutriderError('FILE_FORMAT', `${file} is not a JSON object.`, { details: { file } })
    this.#json = json as Record<string, unknown>
    this.#file = file
  }

  /** The value as it is; null and absent are both undefined. */
  get(field: string): unknown {
    return this.#json[field] ?? undefined
  }

  /** Whether the field is there, and null: for fields where that says another thing than absence. */
  isNull(field: string): boolean {
    return this.#json[field] === null
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

  /** A token id, or undefined if it is absent. */
  token(field: string): number | undefined {
    return this.tokens(field)[0]
  }

  /** One token id or a list of them; none if it is absent. */
  tokens(field: string): number[] {
    const value = this.get(field) ?? []
    const ids: unknown[] = Array.isArray(value) ? value : [value]
    if (ids.every((id) => Number.isSafeInteger(id) && (id as number) >= 0)) return ids as number[]
    throw this.wrong(field, 'a token id or a list of them')
  }

  wrong(field: string, expected: string): OutriderError {
    const value = this.get(field)
    const found = value === undefined ? 'is missing' : `is ${typeof value === 'number' ? value : JSON.stringify(value)}`
    return new OutriderError('FILE_FORMAT', `${this.#file}: ${field} ${found}; it must be ${expected}.`, {
      details: { file: this.#file, field, value },
    })
  }

  unsupported(what: string, remedy?: string): OutriderError {
    return new OutriderError('UNSUPPORTED', `${this.#file}: ${what}.`, { remedy, details: { file: this.#file } })
  }
}

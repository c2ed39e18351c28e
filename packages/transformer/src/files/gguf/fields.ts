import { OutriderError } from '@outrider/tensor'
import type { GgufFile, GgufMetadataValue } from './read'

/** The hyperparameters of a model in a GGUF file: its metadata under the name of its architecture. */
export class GgufFields {
  readonly where: string
  readonly #metadata: GgufFile['metadata']
  readonly #architecture: string

  constructor({ metadata, where }: Pick<GgufFile, 'metadata' | 'where'>, architecture: string) {
    this.where = where
    this.#metadata = metadata
    this.#architecture = architecture
  }

  /** A value as it stands, or undefined. */
  get(key: string): GgufMetadataValue | undefined {
    return this.#metadata.get(`${this.#architecture}.${key}`)
  }

  /**
   * A positive number. Files hold f32: seven digits are what it was meant to be.
   *
   * @throws OutriderError FILE_FORMAT
   */
  number(key: string, fallback?: number): number {
    const value = this.get(key) ?? fallback
    if (typeof value === 'number' && Number.isFinite(value) && value > 0) return Number(value.toPrecision(7))
    throw this.wrong(key, value)
  }

  /**
   * A positive whole number of at most `most`; of a list with one for every layer, the one that all have.
   *
   * @throws OutriderError UNSUPPORTED where layers differ; FILE_FORMAT
   */
  count(key: string, most: number, fallback?: number): number {
    const value = this.#uniform(key) ?? fallback
    if (Number.isSafeInteger(value) && (value as number) > 0 && (value as number) <= most) return value as number
    throw this.wrong(key, value, `; it must be a positive whole number of at most ${most}`)
  }

  /**
   * Refuses a key that is there and says something else than this.
   *
   * @throws OutriderError UNSUPPORTED
   */
  only(key: string, neutral: GgufMetadataValue): void {
    const value = this.get(key)
    if (value !== undefined && value !== neutral)
      throw this.unsupported(
        `${this.#architecture}.${key} is ${JSON.stringify(value)}, which is not supported`,
        `Supported: none, or ${JSON.stringify(neutral)}.`,
      )
  }

  wrong(key: string, value: unknown = this.get(key), rule = ''): OutriderError {
    return this.broken(
      `${this.#architecture}.${key} is ${value === undefined ? 'missing' : JSON.stringify(value)}${rule}`,
    )
  }

  broken(what: string): OutriderError {
    return new OutriderError('FILE_FORMAT', `${this.where}: ${what}.`, { details: { file: this.where } })
  }

  unsupported(what: string, remedy?: string): OutriderError {
    return new OutriderError('UNSUPPORTED', `${this.where}: ${what}.`, { remedy, details: { file: this.where } })
  }

  #uniform(key: string): GgufMetadataValue | undefined {
    const value = this.get(key)
    if (!Array.isArray(value) || value.length === 0) return value
    if (value.every((element) => element === value[0])) return value[0]
    throw this.unsupported(`${this.#architecture}.${key} differs from layer to layer, which is not supported`)
  }
}

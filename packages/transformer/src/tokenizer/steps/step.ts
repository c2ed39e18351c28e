import { OutriderError } from '@outrider/tensor'
import type { TokenizerLimits } from '../bounded-tokenizer'

/** Where a step stands, and what it may do. */
export interface StepContext {
  /** The file and the place in it: `model/tokenizer.json: normalizer.normalizers[1]`. */
  where: string
  limits: TokenizerLimits
  /** Is told of keys of a step that are not known. */
  unknown: (key: string) => void
}

/** The fields of a step in a tokenizer.json, read strictly: what is computed with is there, and is what it should be. */
export class StepFields {
  readonly context: StepContext
  readonly #json: Readonly<Record<string, unknown>>

  /** @throws OutriderError FILE_FORMAT for what is no object with a type */
  constructor(json: unknown, context: StepContext) {
    this.context = context
    if (typeof json !== 'object' || json === null || Array.isArray(json))
      throw wrong(`${context.where} is not an object`)
    this.#json = json as Record<string, unknown>
    if (typeof this.#json.type !== 'string') throw wrong(`${context.where} has no type`)
  }

  get type(): string {
    return this.#json.type as string
  }

  get keys(): string[] {
    return Object.keys(this.#json).filter((key) => key !== 'type')
  }

  text(key: string, fallback?: string): string {
    return this.#value(key, 'a text', (value) => typeof value === 'string', fallback)
  }

  /** One character. */
  character(key: string, fallback?: string): string {
    return this.#value(key, 'one character', (value) => typeof value === 'string' && [...value].length === 1, fallback)
  }

  flag(key: string, fallback?: boolean): boolean {
    return this.#value(key, 'true or false', (value) => typeof value === 'boolean', fallback)
  }

  /** True, false, or left to the step. */
  choice(key: string): boolean | undefined {
    return this.#json[key] == null ? undefined : this.flag(key)
  }

  count(key: string, fallback?: number): number {
    return this.#value(
      key,
      'a whole number',
      (value) => Number.isSafeInteger(value) && (value as number) >= 0,
      fallback,
    )
  }

  oneOf<T extends string>(key: string, names: readonly T[], fallback?: T): T {
    return this.#value(key, `one of ${names.join(', ')}`, (value) => names.includes(value as T), fallback)
  }

  list(key: string): unknown[] {
    return this.#value(key, 'a list', Array.isArray)
  }

  raw(key: string): unknown {
    return this.#json[key]
  }

  /** The steps of a list, each in its place. */
  steps<T>(key: string, make: (step: StepFields) => T): T[] {
    return this.list(key).map((json, i) =>
      make(new StepFields(json, { ...this.context, where: `${this.context.where}.${key}[${i}]` })),
    )
  }

  /** What is known by a type, with its keys looked through. */
  known<T>(kinds: Readonly<Record<string, { keys: readonly string[]; make: T }>>): T {
    const kind = Object.hasOwn(kinds, this.type) ? kinds[this.type] : undefined
    if (!kind) throw this.unsupported(`the step ${JSON.stringify(this.type)}`)
    for (const key of this.keys) if (!kind.keys.includes(key)) this.context.unknown(`${this.type}.${key}`)
    return kind.make
  }

  unsupported(what: string): OutriderError {
    const { where } = this.context
    return new OutriderError(
      'UNSUPPORTED',
      `${where} has ${what}, which is not supported: texts would have other tokens.`,
      {
        details: { where },
      },
    )
  }

  wrong(key: string, expected: string): OutriderError {
    return wrong(`${this.context.where} (${this.type}): ${key} must be ${expected}, but is ${shown(this.#json[key])}`)
  }

  #value<T>(key: string, expected: string, holds: (value: unknown) => boolean, fallback?: T): T {
    const value = this.#json[key] === undefined ? fallback : this.#json[key]
    if (holds(value)) return value as T
    throw this.wrong(key, expected)
  }
}

const wrong = (what: string) =>
  new OutriderError('FILE_FORMAT', `${what}.`, {
    remedy: 'Copy or download it again; it must be the tokenizer.json of a Hugging Face "fast" tokenizer.',
  })

function shown(value: unknown): string {
  if (value === undefined) return 'not there'
  const text = JSON.stringify(value)
  return text.length > 60 ? `${text.slice(0, 60)}…` : text
}

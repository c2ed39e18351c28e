import { OutriderError } from '@outrider/tensor'
import type { MiddlewareHandler } from 'hono'
import { timingSafeEqual } from 'hono/utils/buffer'
import { ApiError } from '../api-error'
import { recordOf } from './request-record'

/** What clients may send as Bearer, by names that logs and metrics show. */
export type ApiKeys = Readonly<Record<string, string>>

export interface KeysOptions {
  keys: ApiKeys
  /** The most requests of one key that may run or wait at once. */
  requestsPerKey: number
}

/** Who may ask, and how much at once. */
export class Keys {
  readonly #keys: readonly (readonly [name: string, key: string])[]
  readonly #requestsPerKey: number
  readonly #open = new Map<string, number>()

  /** @throws OutriderError INVALID_ARGUMENT for a key without a letter, or that two names have in common */
  constructor({ keys, requestsPerKey }: KeysOptions) {
    this.#keys = Object.entries(keys)
    this.#requestsPerKey = requestsPerKey
    for (const [at, [name, key]] of this.#keys.entries()) {
      const same = this.#keys.findIndex((other) => other[1] === key)
      if (key.trim() === '' || same !== at)
        throw new OutriderError(
          'INVALID_ARGUMENT',
          same === at
            ? `The API key "${name}" is empty.`
            : `"${this.#keys[same]![0]}" and "${name}" have the same API key.`,
          { remedy: 'Give each name a long text of its own.' },
        )
      this.#open.set(name, 0)
    }
  }

  /** Requests not answered yet, by the names of their keys. */
  get open(): ReadonlyMap<string, number> {
    return this.#open
  }

  /** Asks for `Authorization: Bearer <key>`. Keys are compared in a time that does not depend on them. */
  readonly require: MiddlewareHandler = async (c, next) => {
    const given = /^Bearer +(.+)$/i.exec(c.req.header('authorization') ?? '')?.[1]?.trim()
    const name = given === undefined ? undefined : await this.#nameOf(given)
    if (name === undefined)
      throw new ApiError(
        401,
        given === undefined
          ? 'This server asks for an API key, as "Authorization: Bearer KEY".'
          : 'The API key is none of this server.',
        { code: 'invalid_api_key', headers: { 'www-authenticate': 'Bearer' } },
      )
    recordOf(c).keyName = name
    await next()
  }

  /** Counts a request until its answer has ended, and refuses one more than its key may have. */
  readonly limit: MiddlewareHandler = async (c, next) => {
    const record = recordOf(c)
    const name = record.keyName!
    const open = this.#open.get(name)!
    if (open >= this.#requestsPerKey)
      throw new ApiError(429, `${open} requests of this key run or wait, the most that it may have. Try again later.`, {
        type: 'rate_limit_error',
        code: 'key_limit',
        headers: { 'retry-after': '1' },
      })
    this.#open.set(name, open + 1)
    record.onEnd(() => this.#open.set(name, this.#open.get(name)! - 1))
    await next()
  }

  async #nameOf(given: string): Promise<string | undefined> {
    let found: string | undefined
    // All of them, so that the time does not tell which it was.
    for (const [name, key] of this.#keys) if (await timingSafeEqual(given, key)) found = name
    return found
  }
}

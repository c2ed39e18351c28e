import { OutriderError } from '../errors'

/** What an interface promises: sentences, each with what shows that a subject keeps it, by an error where it does not. */
export type Promises<Subject> = Readonly<Record<string, (subject: Subject) => void | Promise<void>>>

/**
 * Goes through what an interface promises, in order.
 *
 * @param name  of what is checked
 * @throws OutriderError INVALID_ARGUMENT for the first promise that is broken (`details.promise`), with how
 */
export async function checkPromises<Subject>(
  name: string,
  promises: Promises<Subject>,
  subject: Subject,
): Promise<void> {
  for (const [promise, check] of Object.entries(promises))
    try {
      await check(subject)
    } catch (cause) {
      throw new OutriderError(
        'INVALID_ARGUMENT',
        `${name} does not keep a promise: ${promise}. ${(cause as Error).message}`,
        { cause, details: { promise } },
      )
    }
}

/** Fails unless both have the same numbers, to the bit. */
export function expectSame(actual: ArrayLike<number>, expected: ArrayLike<number>, what = 'numbers'): void {
  if (actual.length !== expected.length)
    throw new Error(`${what}: expected ${expected.length} elements, got ${actual.length}`)
  for (let i = 0; i < actual.length; i++)
    if (!Object.is(actual[i], expected[i])) throw new Error(`${what}: [${i}] is ${actual[i]}, expected ${expected[i]}`)
}

/** Fails unless `work` throws an OutriderError of this code. */
export async function expectRefused(code: OutriderError['code'], work: () => unknown): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (error instanceof OutriderError && error.code === code) return
    throw new Error(`expected the error ${code}, got: ${error}`)
  }
  throw new Error(`expected the error ${code}, and nothing was thrown`)
}

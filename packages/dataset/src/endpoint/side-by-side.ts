/** Answers that may wait for one before them, for each that is asked for at once. */
const ahead = 8

/**
 * Does so many things at once, and gives results as they come. Nothing is begun that is far ahead of the first that is not
 * done: whoever puts results into their order keeps few. What is under way when the reader leaves, or one of them throws, is
 * aborted.
 */
export async function* sideBySide<T, R>(
  items: readonly T[],
  most: number,
  act: (item: T, signal: AbortSignal) => Promise<R>,
  signal?: AbortSignal,
): AsyncGenerator<R, void, undefined> {
  const stop = new AbortController()
  const signals = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal
  const under = new Map<number, Promise<{ at: number; result: R }>>()
  const done = new Set<number>()
  let first = 0
  let next = 0
  try {
    while (first < items.length) {
      for (; next < items.length && under.size < most && next < first + ahead * most; next++) {
        const at = next
        under.set(
          at,
          act(items[at]!, signals).then((result) => ({ at, result })),
        )
      }
      const { at, result } = await Promise.race(under.values())
      under.delete(at)
      done.add(at)
      for (; done.delete(first); first++);
      yield result
    }
  } finally {
    stop.abort()
    await Promise.allSettled(under.values())
  }
}

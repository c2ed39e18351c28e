/** What several generators give, as it comes. Where one fails, so does this; all are ended with it. */
export async function* merged<T>(
  generators: readonly AsyncGenerator<T, void, undefined>[],
): AsyncGenerator<T, void, undefined> {
  const asked = (from: AsyncGenerator<T, void, undefined>) => from.next().then((result) => ({ from, result }))
  const next = new Map(generators.map((from) => [from, asked(from)]))
  try {
    while (next.size > 0) {
      const { from, result } = await Promise.race(next.values())
      if (result.done) {
        next.delete(from)
        continue
      }
      next.set(from, asked(from))
      yield result.value
    }
  } finally {
    for (const [from, waiting] of next) {
      waiting.catch(() => {}) // the first failure is told
      void from.return()
    }
  }
}

/**
 * Asks, and gives up where nothing comes for a while: no answer, or no more of it.
 *
 * @param request  the fetch, with the signal that ends it
 * @throws what `request` throws; an Error that says that nothing came
 */
export async function steadyAnswer(
  request: (signal: AbortSignal) => Promise<Response>,
  { signal, stallMilliseconds }: { signal: AbortSignal | undefined; stallMilliseconds: number },
): Promise<Response> {
  const silent = new AbortController()
  /** Waits for something, but not for ever. */
  async function soon<T>(coming: Promise<T>): Promise<T> {
    let timer: ReturnType<typeof setTimeout> | undefined
    const silence = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        const error = new Error(`nothing came for ${stallMilliseconds / 1000} s`)
        reject(error)
        silent.abort(error)
      }, stallMilliseconds)
    })
    try {
      return await Promise.race([coming, silence])
    } finally {
      clearTimeout(timer)
    }
  }
  const answer = await soon(request(signal ? AbortSignal.any([signal, silent.signal]) : silent.signal))
  const reader = answer.body?.getReader()
  if (!reader) return answer
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller) {
      const { done, value } = await soon(reader.read())
      if (done) controller.close()
      else controller.enqueue(value)
    },
    cancel: (reason) => reader.cancel(reason),
  })
  const { status, statusText, headers } = answer
  return new Response(body, { status, statusText, headers })
}

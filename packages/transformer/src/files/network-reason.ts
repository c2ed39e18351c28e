/** Why a request failed, in the words of what is deepest: `fetch` itself says only that it did. */
export function reasonOf(error: unknown): string {
  const { message, cause } = error as { message?: string; cause?: { code?: string; message?: string } }
  const reason = cause?.code ?? cause?.message ?? message ?? String(error)
  return /redirect count/i.test(reason) ? 'the server redirects in a circle, or too often' : reason
}

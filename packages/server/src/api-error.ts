import { OutriderError } from '@outrider/tensor'

export interface ApiErrorDetails {
  /** OpenAI's class of the error. Default `invalid_request_error`. */
  type?: string
  /** The field of the request that is wrong. */
  param?: string | undefined
  code?: string | undefined
  headers?: Record<string, string>
}

/** What a client is told when a request cannot be answered: a status and an object of OpenAI's shape. */
export class ApiError extends Error {
  readonly status: number
  readonly headers: Record<string, string>
  readonly #details: ApiErrorDetails

  constructor(status: number, message: string, details: ApiErrorDetails = {}) {
    super(message)
    this.name = 'ApiError'
    this.status = status
    this.headers = details.headers ?? {}
    this.#details = details
  }

  get code(): string | undefined {
    return this.#details.code
  }

  toJSON(): { error: { message: string; type: string; param: string | null; code: string | null } } {
    const { type = 'invalid_request_error', param = null, code = null } = this.#details
    return { error: { message: this.message, type, param, code } }
  }
}

/** What is told where as many wait as may. */
export const queueFull = (waiting: number, retryAfterSeconds: number): ApiError =>
  new ApiError(429, `The queue is full: ${waiting} requests are waiting. Try again later.`, {
    type: 'rate_limit_error',
    code: 'queue_full',
    headers: { 'retry-after': String(retryAfterSeconds) },
  })

/** An error of the engine as the client may see it: what is the client's to mend in full, of everything else only that it was. */
export function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error
  if (error instanceof OutriderError)
    switch (error.code) {
      case 'INVALID_ARGUMENT':
      case 'UNSUPPORTED':
      case 'TEMPLATE_LIMIT':
      case 'TOKENIZER_LIMIT':
        return new ApiError(400, error.message)
      case 'CONTEXT_OVERFLOW':
        return new ApiError(400, error.message, { code: 'context_length_exceeded' })
      case 'OUT_OF_MEMORY':
        return new ApiError(503, 'The device has no memory for this request. Try again later, or ask for less.', {
          type: 'server_error',
          code: 'out_of_memory',
          headers: { 'retry-after': '5' },
        })
      case 'DEVICE_LOST':
        return new ApiError(503, 'The device was lost.', { type: 'server_error', code: 'device_lost' })
    }
  return new ApiError(500, 'The server failed to answer this request.', { type: 'server_error' })
}

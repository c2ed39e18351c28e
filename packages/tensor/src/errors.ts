/** What went wrong, as a word that programs can compare. */
export type ErrorCode =
  | 'SHAPE_MISMATCH'
  | 'DTYPE_MISMATCH'
  | 'INVALID_ARGUMENT'
  | 'DISPOSED'
  | 'NO_ADAPTER'
  | 'DEVICE_LOST'
  | 'DEVICE_LIMIT'
  | 'OUT_OF_MEMORY'
  | 'KERNEL'
  | 'FILE_MISSING'
  | 'FILE_FORMAT'
  | 'FILE_WRITE'
  | 'LOCKED'
  | 'NETWORK'
  | 'UNSUPPORTED'
  | 'VOCABULARY_MISMATCH'
  | 'TEMPLATE_LIMIT'
  | 'TOKENIZER_LIMIT'
  | 'CONTEXT_OVERFLOW'
  | 'NOT_FINITE'
  | 'ABORTED'

export interface ErrorOptions {
  /** How to mend it, as a sentence. */
  remedy?: string | undefined
  cause?: unknown
  /** The facts behind the message, for programs. */
  details?: Record<string, unknown> | undefined
}

/** Every error that Outrider throws for bad input or a failing device: a code, what was wrong and where, and the remedy. */
export class OutriderError extends Error {
  override readonly name: string = 'OutriderError'
  readonly code: ErrorCode
  readonly remedy: string | undefined
  readonly details: Record<string, unknown>

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(options.remedy ? `${message} ${options.remedy}` : message, { cause: options.cause })
    this.code = code
    this.remedy = options.remedy
    this.details = options.details ?? {}
  }
}

/** An operation was given shapes that do not fit together: names the operation and prints them. */
export class ShapeError extends OutriderError {
  override readonly name = 'ShapeError'

  constructor(operation: string, shapes: readonly (readonly number[])[], rule: string) {
    super('SHAPE_MISMATCH', `${operation}: ${shapes.map((shape) => `[${shape.join(', ')}]`).join(' and ')}: ${rule}`, {
      details: { operation, shapes },
    })
  }
}

import { type ErrorCode, OutriderError } from '@outrider/tensor'
import { transferHandlers } from 'comlink'

/** An error as plain data: between threads an Error keeps its message only. */
export interface Failure {
  code: ErrorCode | 'QUOTA' | 'UNEXPECTED'
  message: string
  /** How to mend it. */
  remedy: string | undefined
  details: Record<string, unknown>
}

/** What went wrong, and what to do, of whatever was thrown. */
export function failureOf(error: unknown): Failure {
  if (error instanceof EngineError) return error.failure
  if (isQuota(error))
    return {
      code: 'QUOTA',
      message: 'The storage that the browser gives this site is full. What was stored before is whole.',
      remedy:
        'Download what you want to keep, delete runs that you no longer need, or free space on the disk; then go on.',
      details: {},
    }
  if (error instanceof OutriderError) {
    const { code, remedy } = error
    const message = remedy ? error.message.slice(0, -remedy.length - 1) : error.message
    return { code, message, remedy, details: plain(error.details) }
  }
  const message = error instanceof Error ? error.message : String(error)
  return { code: 'UNEXPECTED', message, remedy: undefined, details: {} }
}

/** A failure of the engine, thrown in the page. */
export class EngineError extends Error {
  override readonly name = 'EngineError'
  readonly failure: Failure

  constructor(failure: Failure) {
    super(failure.message)
    this.failure = failure
  }
}

/** Both threads call this before they talk: what one throws reaches the other as an `EngineError`, code and remedy with it. */
export function carryFailures(): void {
  const thrown = transferHandlers.get('throw')!
  transferHandlers.set('throw', {
    canHandle: thrown.canHandle,
    serialize: ({ value }: { value: unknown }) => [failureOf(value), []],
    deserialize(failure: Failure) {
      throw new EngineError(failure)
    },
  })
}

/** A full quota, or a file that could not be written for it. */
function isQuota(error: unknown): boolean {
  if (error instanceof OutriderError) return error.details.code === 'QuotaExceededError'
  return error instanceof DOMException && error.name === 'QuotaExceededError'
}

function plain(details: Record<string, unknown>): Record<string, unknown> {
  try {
    return structuredClone(details)
  } catch {
    return {}
  }
}

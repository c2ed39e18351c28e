import { type ErrorCode, OutriderError } from '@outrider/tensor'

/** Where in a text something is. Lines and columns are counted from 1, columns in UTF-16 units. */
export interface TextPlace {
  line: number
  column: number
  /** Characters that it takes; 0 for a place between two. */
  length: number
}

/** What is wrong with a typed loss, and where. */
export interface TypedLossProblem extends TextPlace {
  /** As in the definition: `value`, `weight`, `sums.distance`. */
  field: string
  message: string
}

/** The error that reports problems: the message tells the first, `details` has its place, and all of them. */
export function typedLossError(code: ErrorCode, problems: readonly TypedLossProblem[], cause?: unknown): OutriderError {
  const [{ field, line, column, message }] = problems as [TypedLossProblem]
  return new OutriderError(code, `The loss, line ${line}, column ${column} (${field}): ${message}`, {
    cause,
    details: { field, line, column, problems },
  })
}

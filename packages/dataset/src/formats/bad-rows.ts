import { OutriderError } from '@outrider/tensor'

/** Rows that cannot be used, of which so many are passed over. Several sources may share one. */
export interface BadRows {
  /** Errors of the rows passed over so far, each row's once, however often it is read. */
  readonly skipped: readonly OutriderError[]
  /**
   * Passes over the row at `where`.
   *
   * @throws OutriderError what was wrong with it, where it is one row too many
   */
  skip(where: string, error: OutriderError): void
}

/**
 * Lets up to `most` rows be bad. Which rows are left, and their order, depends on the files alone, so that a run that is
 * resumed, or generated data that is gone on with, finds the same.
 *
 * @param onSkip  told of each row that is passed over, once
 */
export function badRows(most: number, onSkip?: (error: OutriderError) => void): BadRows {
  const known = new Map<string, OutriderError>()
  return {
    get skipped() {
      return [...known.values()]
    },
    skip(where, error) {
      if (known.has(where)) return
      if (known.size >= most) throw most === 0 ? error : oneTooMany(error, most)
      known.set(where, error)
      onSkip?.(error)
    },
  }
}

function oneTooMany(error: OutriderError, most: number): OutriderError {
  const { code, cause, details } = error
  return new OutriderError(
    code,
    `${withoutRemedy(error)} ${most} bad ${most === 1 ? 'row was' : 'rows were'} let pass.`,
    {
      remedy: 'Mend the rows, or let more of them pass.',
      cause,
      details,
    },
  )
}

/** The error of a row with the place of the row, which is then its file's fault and no argument's. */
export function placed(error: OutriderError, where: string): OutriderError {
  const { code, remedy, cause, details } = error
  if (error.message.startsWith(where)) return error
  return new OutriderError(code === 'INVALID_ARGUMENT' ? 'FILE_FORMAT' : code, `${where}: ${withoutRemedy(error)}`, {
    remedy,
    cause,
    details: { ...details, where },
  })
}

const withoutRemedy = ({ message, remedy }: OutriderError): string =>
  remedy && message.endsWith(remedy) ? message.slice(0, -remedy.length).trimEnd() : message

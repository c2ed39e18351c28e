import { OutriderError } from '@outrider/tensor'
import type { GenerationResult } from './generate'

/**
 * An answer as it is generated, plainly (a piece is a token) or speculatively (a block). It begins when the first piece is asked
 * for; leaving the loop early frees what it holds.
 */
export interface Generation<Piece> extends AsyncIterableIterator<Piece, undefined, undefined> {
  /**
   * The whole answer, once the last piece has been read. Where nobody reads pieces, asking for it generates the answer. It rejects
   * as reading does, and with ABORTED where the loop was left early; unasked, it says nothing.
   */
  readonly result: Promise<GenerationResult>
  return(): Promise<IteratorResult<Piece, undefined>>
}

/** @param answer  gives the pieces, and returns the whole; closing it frees what it holds */
export function generation<Piece>(answer: AsyncGenerator<Piece, GenerationResult, undefined>): Generation<Piece> {
  let resolve: (result: GenerationResult) => void
  let reject: (reason: unknown) => void
  const result = new Promise<GenerationResult>((...settle) => {
    ;[resolve, reject] = settle
  })
  result.catch(() => {}) // who reads the pieces has the error already
  let isRead = false

  async function* read(): AsyncGenerator<Piece, undefined, undefined> {
    try {
      resolve(yield* answer)
    } catch (error) {
      reject(error)
      throw error
    }
    return undefined
  }
  const pieces = read()
  /** Reads on, unless a loop that has begun by now does. */
  const readAll = async () => {
    await null
    if (isRead) return
    isRead = true
    for await (const _ of pieces);
  }

  return {
    get result() {
      readAll().catch(() => {}) // the promise has the error
      return result
    },
    next() {
      isRead = true
      return pieces.next()
    },
    return() {
      isRead = true
      reject(new OutriderError('ABORTED', 'The answer was not read to its end.'))
      return pieces.return(undefined)
    },
    [Symbol.asyncIterator]() {
      return this
    },
  }
}

import type { Stream } from './terminal'

/** What becomes of the standard streams while a command runs. */
export interface StandardStreams {
  /** Aborted when standard output takes nothing more: what is computed could be given to nobody. */
  readonly signal: AbortSignal
  /** Why standard output takes nothing more, once that is known: `EPIPE` where its reader left. */
  readonly failure: NodeJS.ErrnoException | undefined
  /** Resolves when everything written has been taken or refused. */
  settled(): Promise<void>
}

/**
 * Listens to failures of the standard streams, which would end the process in the middle of the driver's work otherwise. Where
 * the error stream takes nothing, the work goes on unseen: its results are elsewhere.
 */
export function standardStreams(out: Stream, err: Stream): StandardStreams {
  const controller = new AbortController()
  let failure: NodeJS.ErrnoException | undefined
  const onFailure = (error: NodeJS.ErrnoException) => {
    failure ??= error
    controller.abort(error)
  }
  // Never taken off again: a failure may be reported when the command has ended.
  if (isEmitter(out)) out.on('error', onFailure)
  if (isEmitter(err)) err.on('error', () => undefined)
  return {
    signal: controller.signal,
    get failure() {
      return failure
    },
    async settled() {
      if (!isEmitter(out)) return
      await new Promise<void>((resolve) => {
        out.write('', () => resolve())
      })
      await new Promise((resolve) => setImmediate(resolve)) // a failure is told of in a later turn
    },
  }
}

/** Says why standard output failed, in a line; undefined where its reader left, which is no failure of ours. */
export function outputFailure({ code, message }: NodeJS.ErrnoException): string | undefined {
  if (code === 'EPIPE' || code === 'ECONNRESET') return undefined
  const reasons: Record<string, string> = {
    ENOSPC: 'there is no space left',
    EDQUOT: 'the disk quota is used up',
    EIO: 'the terminal or the disk behind it is gone',
    EBADF: 'it is closed',
    EFBIG: 'the file has become too large',
  }
  return `Standard output cannot be written: ${reasons[code ?? ''] ?? message}.`
}

const isEmitter = (stream: Stream): stream is Stream & NodeJS.WritableStream =>
  'on' in stream && typeof stream.on === 'function'

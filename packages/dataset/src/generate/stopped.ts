import { OutriderError } from '@outrider/tensor'

/** The error for a run that was aborted, of which what is written stays. */
export const stopped = (rows: number, total: number) =>
  new OutriderError('ABORTED', `Generation was stopped with ${rows} of ${total} rows written.`, {
    remedy: 'Run it again to go on from there.',
  })

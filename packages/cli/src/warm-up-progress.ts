import type { WarmUpProgress } from '@outrider/transformer'
import type { Terminal } from './terminal'

/** The progress of compiling kernels before they are needed. */
export function warmUpProgress(terminal: Terminal): (progress: WarmUpProgress) => void {
  let progress: ReturnType<typeof terminal.progress> | undefined
  return ({ done, total }) => {
    progress ??= terminal.progress({ label: 'compile kernels', total, unit: 'steps', start: done })
    progress.update(done)
    if (done === total) terminal.endProgress()
  }
}

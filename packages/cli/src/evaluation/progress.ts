import type { Answered } from '@outrider/evaluation'
import { fixed, type Terminal } from '../terminal'

/** The progress of an evaluation, answer by answer, with the curve of tokens per second. */
export function evaluationProgress(terminal: Terminal, total: number): (answer: Answered) => void {
  const progress = terminal.progress({ label: 'evaluate', total, unit: 'answers', curve: 'tokens/s', decimals: 0 })
  let answers = 0
  return ({ rate, how, metrics }) => {
    const figures = metrics && `: τ ${fixed(metrics.blockEfficiency)}, α ${fixed(metrics.acceptanceRate)}`
    progress.update(++answers, `${how}${figures ?? ''}`, rate > 0 ? rate : undefined)
  }
}

import type { GenerationProgress } from '@outrider/dataset'
import { count, type Terminal } from './terminal'

/** The progress of generating a dataset, with the curve of tokens per second. */
export function generationProgress(terminal: Terminal): (state: GenerationProgress) => void {
  let progress: ReturnType<typeof terminal.progress> | undefined
  let last = { tokens: 0, seconds: 0 }
  return ({ rows, total, tokens, seconds }) => {
    progress ??= terminal.progress({
      label: 'generate',
      total,
      unit: 'rows',
      start: rows,
      curve: 'tokens/s',
      decimals: 0,
    })
    const rate = seconds > last.seconds ? (tokens - last.tokens) / (seconds - last.seconds) : undefined
    if (rate !== undefined) last = { tokens, seconds }
    progress.update(rows, `${count(tokens)} tokens`, rate)
  }
}

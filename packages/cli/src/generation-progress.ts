import { type GenerationProgress, type LeftOutFaults, leftOutText } from '@outrider/dataset'
import { costOf, type Prices } from './endpoint'
import { count, type Terminal } from './terminal'

/** Values of the curve are means over so many seconds at least: a step of the batch says little. */
const curveSeconds = 1

/** The progress of generating rows, from the first prompt that is read on, with the curve of tokens per second. */
export function generationProgress(
  terminal: Terminal,
  {
    label = 'generate',
    prices,
    notes: further = () => [],
  }: { label?: string; prices?: Prices | undefined; notes?: (() => string[]) | undefined } = {},
): (state: GenerationProgress & { leftOut?: LeftOutFaults }) => void {
  let progress: ReturnType<typeof terminal.progress> | undefined
  let last = { tokens: 0, seconds: 0 }
  return ({ rows, total, tokens, promptTokens, seconds, leftOut = {} }) => {
    progress ??= terminal.progress({
      label,
      total,
      unit: 'rows',
      start: rows,
      curve: 'tokens/s',
      decimals: 0,
    })
    const isDue = tokens > last.tokens && seconds - last.seconds >= curveSeconds
    const rate = isDue ? (tokens - last.tokens) / (seconds - last.seconds) : undefined
    if (isDue) last = { tokens, seconds }
    const notes = [`${count(tokens)} tokens`, `${count(promptTokens)} read`, leftOutText(leftOut), ...further()]
    if (prices) notes.push(`cost ${costOf(prices, { tokens, promptTokens })}`)
    progress.update(rows, notes.filter(Boolean).join(', '), rate)
  }
}

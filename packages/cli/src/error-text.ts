import { OutriderError } from '@outrider/tensor'
import type { Colours } from './terminal'

/** An error as one clear message: what was wrong and where, then how to mend it. The stack only on request. */
export function errorText(error: unknown, { verbose, style }: { verbose: boolean; style: Colours }): string {
  const { message, remedy } = errorParts(error)
  const lines = [`${style.red('error:')} ${message}`]
  if (remedy) lines.push(`  ${style.dim('→')} ${remedy}`)
  if (verbose) for (const stack of stacks(error)) lines.push('', style.dim(stack))
  return lines.join('\n')
}

/** An error as the `error` of a `--json` object. */
export function errorJson(error: unknown): { code: string; message: string; remedy?: string } {
  const { message, remedy } = errorParts(error)
  const code = error instanceof OutriderError ? error.code : 'FAILURE'
  return remedy ? { code, message, remedy } : { code, message }
}

/** What was wrong, and how to mend it. */
export function errorParts(error: unknown): { message: string; remedy?: string | undefined } {
  if (!(error instanceof Error)) return { message: String(error) }
  const remedy = error instanceof OutriderError ? error.remedy : undefined
  const message =
    remedy && error.message.endsWith(remedy) ? error.message.slice(0, -remedy.length).trimEnd() : error.message
  return { message: message || error.name, remedy }
}

function* stacks(error: unknown): Generator<string> {
  for (let e = error; e instanceof Error; e = e.cause) yield e.stack ?? String(e)
}

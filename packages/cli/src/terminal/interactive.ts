import type { Stream } from './stream'

/** Whether a person sits at both ends, at a terminal that can move its cursor. */
export function isInteractive(
  input: { isTTY?: boolean },
  output: Stream,
  env: NodeJS.ProcessEnv,
): output is Stream & NodeJS.WritableStream {
  return Boolean(input.isTTY && output.isTTY && 'on' in output && env.TERM !== 'dumb')
}

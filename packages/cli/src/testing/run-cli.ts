import { Readable } from 'node:stream'
import { run } from '../run'

/** Runs `outrider` in this process and collects what it writes. */
export async function runCli(
  args: readonly string[],
  { input = '', env = {} }: { input?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<{ status: number; out: string; err: string; json: () => Record<string, unknown> }> {
  let out = ''
  let err = ''
  const status = await run(args, {
    out: { write: (text) => (out += text) },
    err: { write: (text) => (err += text) },
    input: Readable.from([input]),
    env: { XDG_CACHE_HOME: '/nowhere', ...env }, // what this machine was tuned for is none of a test's
  })
  return { status, out, err, json: () => JSON.parse(out) as Record<string, unknown> }
}

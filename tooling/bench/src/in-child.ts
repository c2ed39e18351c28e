import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/**
 * Runs a script of the bench in a process of its own, so that it begins with nothing that another has left.
 *
 * @returns the JSON that it prints
 */
export async function inChild<T>(
  script: URL,
  { args = [], env = {} }: { args?: readonly string[]; env?: Readonly<Record<string, string>> } = {},
): Promise<T> {
  const command = [...process.execArgv, fileURLToPath(script), ...args]
  const { stdout } = await promisify(execFile)(process.execPath, command, { env: { ...process.env, ...env } })
  return JSON.parse(stdout) as T
}

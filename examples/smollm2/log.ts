import { existsSync } from 'node:fs'
import { appendFile, readFile, truncate } from 'node:fs/promises'
import type { Answered } from './figures'

/** What a log has so far. A line that was being written as its process was killed is taken off. */
export async function readLog(file: string): Promise<Answered[]> {
  if (!existsSync(file)) return []
  const text = await readFile(file, 'utf8')
  const whole = text.slice(0, text.lastIndexOf('\n') + 1)
  if (whole.length < text.length) await truncate(file, Buffer.byteLength(whole))
  return whole
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line))
}

export const appendTo = (file: string, answered: Answered) => appendFile(file, `${JSON.stringify(answered)}\n`)

/** Whether the log has a prompt's answer in a setting. */
export function answeredIn(log: readonly Answered[]): (setting: string, prompt: number) => boolean {
  const has = new Set(log.map(({ setting, prompt }) => `${setting} ${prompt}`))
  return (setting, prompt) => has.has(`${setting} ${prompt}`)
}

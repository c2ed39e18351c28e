import { readFileSync } from 'node:fs'
import { basename, dirname } from 'node:path'

export interface Snippet {
  /** 'losses/README.md:12', where the program begins. */
  where: string
  code: string
}

/** The programs of a Markdown file, in order: `ts` blocks, each with the `ts continues` blocks after it. */
export function readSnippets(file: string): Snippet[] {
  const text = readFileSync(file, 'utf8')
  const programs: Snippet[] = []
  for (const { 0: block, 1: continues, 2: code, index } of text.matchAll(/^```ts( continues)?\n([\s\S]*?)^```$/gm)) {
    const line = text.slice(0, index).split('\n').length + 1
    const where = `${basename(dirname(file))}/${basename(file)}:${line}`
    if (!continues) programs.push({ where, code: code! })
    else if (programs.length > 0) programs.at(-1)!.code += `\n${code}`
    else throw new Error(`${where} continues nothing: ${block}`)
  }
  return programs
}

/** The same program in seconds: training takes two steps where it says thousands. Nothing else is changed. */
export const shortened = (code: string): string => code.replace(/\bsteps: \d[\d_]*/g, 'steps: 2')

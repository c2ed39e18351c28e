import { readFileSync } from 'node:fs'
import { basename, dirname } from 'node:path'

export interface Snippet {
  /** 'losses/README.md:12' */
  where: string
  code: string
}

/** The programs (`ts` blocks) of a Markdown file, in order. */
export function readSnippets(file: string): Snippet[] {
  const text = readFileSync(file, 'utf8')
  return [...text.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map((block) => ({
    where: `${basename(dirname(file))}/${basename(file)}:${text.slice(0, block.index).split('\n').length + 1}`,
    code: block[1]!,
  }))
}

/** The same program in seconds: training takes two steps where it says thousands. Nothing else is changed. */
export const shortened = (code: string): string => code.replace(/\bsteps: \d[\d_]*/g, 'steps: 2')

import { readFileSync } from 'node:fs'

export interface Snippet {
  /** 'README.md:12' */
  where: string
  code: string
}

/** The programs (`ts` blocks) of a Markdown file, in order. */
export function readSnippets(file: string): Snippet[] {
  const text = readFileSync(file, 'utf8')
  return [...text.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map((block) => ({
    where: `${file.split('/').slice(-2).join('/')}:${text.slice(0, block.index).split('\n').length + 1}`,
    code: block[1]!,
  }))
}

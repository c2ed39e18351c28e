import { readFile } from 'node:fs/promises'
import type { ChatMessage } from '@outrider/transformer'

export interface Asked {
  /** Spec-Bench's id; of other prompts the line. */
  prompt: number
  category: string
  /** Its ids, or what is rendered. */
  asked: number[] | ChatMessage[]
}

/** Those of Spec-Bench, or of a file with lines of category and ids, or messages. */
export async function promptsOf(file: string | URL = new URL('prompts.jsonl', import.meta.url)): Promise<Asked[]> {
  const text = await readFile(file, 'utf8')
  return text
    .trim()
    .split('\n')
    .map((line, i) => {
      const { question_id = i, category, ids, messages } = JSON.parse(line)
      return { prompt: question_id, category, asked: ids ?? messages }
    })
}

/** What another engine is asked: ids, so that all read the same. */
export function idsOf(asked: Asked['asked']): number[] {
  if (asked.every((one) => typeof one === 'number')) return asked
  throw new Error('Another engine is asked by ids: the file of prompts has messages.')
}

/** The first `each` of every category, by turns: whoever stops early has some of all. */
export function inTurns(prompts: readonly Asked[], each: number): Asked[] {
  return prompts
    .map((asked, i) => ({
      asked,
      turn: prompts.slice(0, i).filter(({ category }) => category === asked.category).length,
    }))
    .filter(({ turn }) => turn < each)
    .sort((a, b) => a.turn - b.turn)
    .map(({ asked }) => asked)
}

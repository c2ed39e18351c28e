import { readFileSync } from 'node:fs'
import {
  type EndpointTarget,
  type GeneratedRow,
  generateDataset,
  promptOf,
  rows,
  tokenizeConversation,
} from '@outrider/dataset'
import { testData } from '@outrider/test-data'
import { memoryDirectory, type PretrainedModel } from '@outrider/transformer'

/** An answer with what was asked, as ids. */
export interface Answer {
  prompt: readonly number[]
  tokens: number[]
  /** Whether the engine said the ids. */
  isToldById: boolean
  row: GeneratedRow
}

export interface Grid {
  prompts: number
  temperatures: readonly number[]
  topP: number
  samples: number
  maxTokens: number
}

/** A target's dataset, here or elsewhere, as ids. */
export async function answersOf(
  target: PretrainedModel | EndpointTarget,
  speaker: PretrainedModel,
  { prompts, ...grid }: Grid,
): Promise<Answer[]> {
  const seeds = rows(
    openings(prompts).map((content) => ({
      kind: 'conversation' as const,
      messages: [{ role: 'user', content }],
      metadata: {},
    })),
    'openings of stories',
  )
  const answers: Answer[] = []
  await generateDataset({
    ...{ target, seeds, ...grid, batchSize: 8 },
    out: { directory: memoryDirectory(), file: 'answers.jsonl' },
    onRow(row, told) {
      const prompt = promptOf(speaker, row.messages.slice(0, -1))
      if (told.length > 0 && told.join() !== prompt.join())
        throw new Error(`The engine reads ${told.join(' ')} where the template writes ${prompt.join(' ')}.`)
      const cut = row.finish_reason === 'length' ? [row.messages.length - 1] : []
      const tokens =
        row.completion_ids ?? tokenizeConversation(speaker, row.messages, { cut }).tokens.slice(prompt.length)
      answers.push({ prompt, tokens, isToldById: row.completion_ids !== undefined, row })
    },
  })
  return answers
}

/** The first words of stories. */
function openings(count: number): string[] {
  const stories = readFileSync(`${testData('tinystories')}/stories.txt`, 'utf8').split('<|endoftext|>')
  return stories.slice(0, count).map((story, i) =>
    story
      .trim()
      .split(/\s+/, 5 + (i % 6))
      .join(' '),
  )
}

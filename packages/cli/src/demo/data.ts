import { type DataSource, rows, texts } from '@outrider/dataset'
import { plan, seeds } from './plan'
import { type Exchange, exchanges, plainText, tasks } from './world/index'

/** The plain text that drafts of the demo are pretrained on. */
export const pretrainingText = (count: number = plan.pretraining.texts): DataSource =>
  texts(plainText({ seed: seeds.texts, count }))

const asked = (count: number) => exchanges({ seed: seeds.instructions, count, tasks: ['open-ended', 'summarise'] })

/** Instructions of the tasks that the target is to be sped up at; translation is left out. */
export function instructions(count: number = plan.generation.instructions): DataSource {
  return rows(
    asked(count).map(({ task, prompt }) => ({
      kind: 'conversation',
      messages: [{ role: 'user', content: prompt }],
      metadata: { category: task },
    })),
    'the small world',
  )
}

/** So many instructions of every task that are not among those that the target answered for the training. */
export function heldOut(perTask: number): Exchange[] {
  const known = new Set(asked(plan.generation.instructions).map(({ prompt }) => prompt))
  const candidates = exchanges({ seed: seeds.prompts, count: 10 * perTask * tasks.length })
  const fresh = candidates.filter(({ prompt }, i) => {
    const isFirst = candidates.findIndex((other) => other.prompt === prompt) === i
    return isFirst && !known.has(prompt)
  })
  return Array.from({ length: perTask }, (_, i) =>
    tasks.map((task) => fresh.filter((exchange) => exchange.task === task)[i]!),
  ).flat()
}

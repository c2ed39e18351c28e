import { type DataSource, rows, texts } from '@outrider/dataset'
import { plan, seeds } from './plan'
import { exchanges, plainText } from './world/index'

/** The plain text that drafts of the demo are pretrained on. */
export const pretrainingText = (count: number = plan.pretraining.texts): DataSource =>
  texts(plainText({ seed: seeds.texts, count }))

/** Instructions of the tasks that the target is to be sped up at; translation is left out. */
export function instructions(count: number = plan.generation.instructions): DataSource {
  const asked = exchanges({ seed: seeds.instructions, count, tasks: ['open-ended', 'summarise'] })
  return rows(
    asked.map(({ task, prompt }) => ({
      kind: 'conversation',
      messages: [{ role: 'user', content: prompt }],
      metadata: { category: task },
    })),
    'the small world',
  )
}

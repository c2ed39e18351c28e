import { readFile } from 'node:fs/promises'
import { texts } from '@outrider/dataset'
import { testData } from '@outrider/test-data'
import type { PretrainedModel } from '@outrider/transformer'
import { conversations, type SmallWorld, worldOf } from './small-world'
import type { SuiteContext } from './suite'

/** Words of a story that stories260K, a base model, is asked to go on from. */
const begun = 8

/**
 * The same of stories260K, with stories of TinyStories: a draft that read some of them, and how the target goes on from the first words
 * of others.
 */
export async function storiesWorld(
  context: Pick<SuiteContext, 'note'>,
  target: PretrainedModel,
  counts: { instructed: number; heldOut: number },
): Promise<SmallWorld> {
  const all = (await readFile(testData('tinystories/stories.txt'), 'utf8'))
    .split('<|endoftext|>')
    .map((text) => text.trim())
  const beginnings = all.map((story) => story.split(/\s+/).slice(0, begun).join(' '))
  const each = [...new Set(beginnings)].filter((text) => text !== '')
  return worldOf(context, target, {
    ...{ name: 'stories260K', text: texts(all.slice(0, all.length / 2)), steps: 170 },
    asked: conversations(each.slice(-counts.instructed), 'beginnings'),
    prompts: each.slice(-counts.instructed - counts.heldOut, -counts.instructed),
  })
}

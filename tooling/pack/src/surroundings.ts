import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { root } from './packed-project'

const seeds = ['Tell me about a friend of yours.', 'Tell me about a place.']
const story = 'Once upon a time there was a fox. The fox ran over the hill and far away.\n'

/**
 * A folder with what the programs of READMEs and documentation expect to find: a chat model in `target`, a model that drafts
 * for it in `aligned-draft` (itself), `corpus/*.txt`, `seeds.jsonl`, `answers/*.jsonl`.
 */
export async function surroundings(folder: string): Promise<void> {
  await mkdir(join(folder, 'corpus'), { recursive: true })
  await writeFile(join(folder, 'corpus', 'fox.txt'), story.repeat(20))
  await writeFile(join(folder, 'seeds.jsonl'), seeds.map((prompt) => `${JSON.stringify({ prompt })}\n`).join(''))
  await mkdir(join(folder, 'answers'))
  const answer = { prompt: seeds[0], response: story.trim() }
  await writeFile(join(folder, 'answers', 'fox.jsonl'), `${JSON.stringify(answer)}\n`)
  for (const name of ['target', 'aligned-draft'])
    await symlink(join(root, 'packages/cli/assets/tiny-chat'), join(folder, name))
}

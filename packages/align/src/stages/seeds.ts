import type { DataSource } from '@outrider/dataset'
import { OutriderError } from '@outrider/tensor'
import { ownOpenings } from '../seeds/openings'
import { readSeeds, type SeedRow, seedKey, seedLines } from '../seeds/seed-row'
import { files, type Run } from './run'

/**
 * Writes down the instructions of a run, once: those of the user that are answered, those of ours, and those that are held out.
 * What is held out is asked nowhere else.
 */
export async function keepSeeds({ folder, plan }: Run, given: DataSource | undefined): Promise<void> {
  if (await folder.has(files.heldOutSeeds)) return // the last that is written
  const { generate, kind } = plan
  const users = given ? await readSeeds(given) : []
  if (users.length < generate.given + generate.givenHeldOut)
    throw new OutriderError('INVALID_ARGUMENT', `The run was planned with more instructions than are given.`, {
      remedy: 'Give the same --seeds again; they are kept in the run once it has written them down.',
    })
  const [heldOut, answered] = split(users, generate.givenHeldOut)
  const asked = new Set(users.map(seedKey))
  const ours = ownOpenings(generate.written + generate.writtenHeldOut + users.length, kind)
    .filter((seed) => !asked.has(seedKey(seed)))
    .slice(0, generate.written + generate.writtenHeldOut)
  const [oursHeldOut, oursAnswered] = split(ours, Math.min(generate.writtenHeldOut, Math.ceil(ours.length / 2)))
  await folder.write(files.seeds, seedLines(spread(answered, generate.given)))
  await folder.write(files.written, seedLines(oursAnswered))
  await folder.write(files.heldOutSeeds, seedLines([...heldOut, ...oursHeldOut]))
}

/** Some of a list, evenly spread over it, and the others. */
function split(list: readonly SeedRow[], count: number): [some: SeedRow[], others: SeedRow[]] {
  const some = new Set(spread(list, count))
  return [[...some], list.filter((seed) => !some.has(seed))]
}

const spread = (list: readonly SeedRow[], count: number): SeedRow[] =>
  count >= list.length
    ? [...list]
    : Array.from({ length: count }, (_, i) => list[Math.floor(((i + 0.5) * list.length) / count)]!)

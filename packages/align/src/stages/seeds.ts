import { type DataSource, jsonl, leftOutText } from '@outrider/dataset'
import { OutriderError } from '@outrider/tensor'
import { hasRoom } from '../seeds/has-room'
import { openingCount, ownOpenings } from '../seeds/openings'
import { readSeeds, type SeedRow, seedKey, seedLines } from '../seeds/seed-row'
import { spreadOverTasks } from '../seeds/spread'
import { files, type Run } from './run'

/**
 * Writes down the instructions of a run, once: those of the user that are answered, those of ours, and those that are held out.
 * What is held out is asked nowhere else.
 */
export async function keepSeeds(run: Run, given: DataSource | undefined): Promise<void> {
  const { folder, plan } = run
  if (await folder.has(files.heldOutSeeds)) return // the last that is written
  const { generate } = plan
  const all = given ? await readSeeds(given) : []
  const users = all.filter(fitting(run))
  const without = all.length - users.length
  if (without > 0)
    run.tell({
      kind: 'warning',
      text: `Left out of the instructions, as there is no room for an answer of ${generate.maxTokens} tokens behind them: ${without}.`,
    })
  if (users.length < generate.given + generate.givenHeldOut)
    throw new OutriderError('INVALID_ARGUMENT', `The run was planned with more instructions than are given.`, {
      remedy: 'Give the same --seeds again; they are kept in the run once it has written them down.',
    })
  const [heldOut, answered] = split(users, generate.givenHeldOut)
  const asked = new Set(users.map(seedKey))
  const ours = await oursBeside(run, asked)
  const [oursHeldOut, oursAnswered] = split(ours, Math.min(generate.writtenHeldOut, Math.ceil(ours.length / 2)))
  await folder.write(files.seeds, seedLines(spread(answered, generate.given)))
  await folder.write(files.written, seedLines(oursAnswered))
  await folder.write(files.heldOutSeeds, seedLines([...heldOut, ...oursHeldOut]))
}

/** As many as are planned that ask nothing that the user asks: the target's own, where it is to write them, then openings. */
async function oursBeside(run: Run, asked: ReadonlySet<string>): Promise<SeedRow[]> {
  const { written, writtenHeldOut, writtenBy } = run.plan.generate
  const count = written + writtenHeldOut
  if (count === 0) return []
  const self = writtenBy === 'target' ? await selfWritten(run, count, asked.size > 0) : []
  const { kind } = run.plan
  const openings = ownOpenings(run.teacher.model ? count + asked.size : openingCount(kind), kind)
  const fits = fitting(run)
  return [...self, ...openings].filter((seed) => !asked.has(seedKey(seed)) && fits(seed)).slice(0, count)
}

/** What may be asked: of a target in memory all. */
const fitting = ({ teacher, target, plan }: Run): ((seed: SeedRow) => boolean) =>
  teacher.model ? () => true : hasRoom(target, plan.generate.maxTokens)

/**
 * What the target asks itself (Xu et al. 2024), as far as it is worth keeping.
 *
 * @throws OutriderError UNSUPPORTED where it cannot, and there is nothing else to ask it
 */
async function selfWritten(
  { teacher, folder, plan, signal, tell }: Run,
  count: number,
  hasOthers: boolean,
): Promise<SeedRow[]> {
  const out = { directory: folder, file: files.selfWritten }
  const { batchSize } = plan.generate
  try {
    const { rows, leftOut } = await teacher.writeSeeds({
      count,
      batchSize,
      seed: plan.asked.seed,
      out,
      signal,
      onProgress: ({ rows, total, tokens }) =>
        tell({
          kind: 'progress',
          label: 'write instructions',
          done: rows,
          total,
          unit: 'instructions',
          note: `${tokens} tokens`,
        }),
    })
    if (rows < count)
      tell({
        kind: 'warning',
        text: `${rows} of ${count} instructions could be kept of what the target wrote (${leftOutText(leftOut)}); openings of ours take their place.`,
      })
  } catch (error) {
    // A target that writes nothing that is worth keeping answers all the same.
    const isNone =
      error instanceof OutriderError &&
      (error.code === 'INVALID_ARGUMENT' || (error.code === 'UNSUPPORTED' && hasOthers))
    if (!isNone) throw error
    tell({ kind: 'warning', text: `${error.message} Openings of ours take their place.` })
  }
  return (await folder.has(out.file)) ? readSeeds(jsonl(out)) : []
}

/** Some of a list, evenly spread over it and over its tasks, and the others. */
function split(list: readonly SeedRow[], count: number): [some: SeedRow[], others: SeedRow[]] {
  const some = new Set(spread(list, count))
  return [[...some], list.filter((seed) => !some.has(seed))]
}

const spread = (list: readonly SeedRow[], count: number): SeedRow[] =>
  spreadOverTasks(list, count, ({ category }) => category)

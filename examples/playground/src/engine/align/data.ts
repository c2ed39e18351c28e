import { type DataSource, type DatasetRow, jsonl, rowFiles, rows, texts } from '@outrider/dataset'
import { OutriderError } from '@outrider/tensor'
import { type Directory, memoryDirectory } from '@outrider/transformer'
import { exchanges, pretrainingText, seeds } from 'outrider/tiny-chat'
import { everyday } from './everyday'
import type { AlignPlan, OwnData } from './plan'

/** The user's own files, as they lie in a run's folder. */
const ownFiles = { instructions: 'instructions.txt', text: 'text.txt' } as const

export const answersFile = 'answers.jsonl'
export const heldOutFile = 'held-out.jsonl'

/** The sources of an alignment. */
export interface AlignSources {
  instructions: DataSource
  heldOut: DataSource
  /** Plain text for pretraining. */
  text: DataSource | undefined
  /** How many instructions there really are. */
  counts: { instructions: number; heldOut: number }
}

/**
 * What a plan's data is.
 *
 * @throws OutriderError INVALID_ARGUMENT for too few instructions of one's own; FILE_FORMAT for JSONL that is none
 */
export async function alignSources(plan: AlignPlan, folder: Directory): Promise<AlignSources> {
  const { instructions: count, heldOut } = plan.generation
  if (plan.data === 'small-world') return { ...smallWorld(count, heldOut), text: pretrainingText() }
  if (plan.data === 'everyday') return { ...split(asked(everyday), count, heldOut), text: undefined }
  const instructions = await folder.readText(ownFiles.instructions)
  return { ...split(await ownInstructions(instructions), count, heldOut), text: await keptText(folder) }
}

/** Instructions and text of the user that are kept in a run's folder; undefined for what there is none of. */
export async function keptData(
  folder: Directory,
): Promise<{ instructions: DataSource | undefined; text: DataSource | undefined }> {
  const instructions = (await folder.has(ownFiles.instructions)) ? await folder.readText(ownFiles.instructions) : ''
  return {
    instructions: instructions.trim() ? rows(await ownInstructions(instructions, 1), 'your instructions') : undefined,
    text: await keptText(folder),
  }
}

async function keptText(folder: Directory): Promise<DataSource | undefined> {
  const text = (await folder.has(ownFiles.text)) ? await folder.readText(ownFiles.text) : ''
  return text.trim() ? texts(text.split(/\n\s*\n/).filter((part) => part.trim() !== '')) : undefined
}

/** Keeps files of the user with the run, which goes on without them being chosen again. */
export async function keepOwnData(
  folder: Directory,
  { instructions, text }: OwnData,
  { leastInstructions = 2 }: { leastInstructions?: number } = {},
): Promise<void> {
  await ownInstructions(instructions, leastInstructions)
  await folder.write(ownFiles.instructions, instructions)
  await folder.write(ownFiles.text, text)
}

/** The target's answers, to learn from or to measure on. */
export const answersOf = (directory: Directory, file: string): DataSource => jsonl({ directory, file })

type Rows = Parameters<typeof rows>[0]

const asked = (prompts: readonly string[]): Rows =>
  prompts.map((content) => ({ kind: 'conversation', messages: [{ role: 'user', content }], metadata: {} }))

/** Lines of text, or JSON in any of the field's formats, a row a line or a list of rows; what comes again is left out. */
async function ownInstructions(content: string, least = 2): Promise<Rows> {
  const isJson = /^\ufeff?\s*[[{]/.test(content)
  const found = isJson
    ? await ownRows(content)
    : asked([...new Set(content.split(/\r?\n/).filter((line) => line.trim()))])
  if (found.length >= least) return found
  throw new OutriderError(
    'INVALID_ARGUMENT',
    `There ${found.length === 1 ? 'is one instruction' : 'are no instructions'}.`,
    {
      remedy: 'Give at least two, one a line: some are learned from, and some are only measured on.',
    },
  )
}

async function ownRows(content: string): Promise<Rows> {
  const directory = memoryDirectory({ instructions: content }, 'your')
  const found = new Map<string, DatasetRow>()
  for await (const { where: _, ...row } of rowFiles({ directory, files: ['instructions'] }))
    found.set(JSON.stringify(row), row as DatasetRow)
  return [...found.values()]
}

/** Instructions of the small world, without translation as in the demo; none that are held out are learned from. */
function smallWorld(count: number, heldOut: number): Omit<AlignSources, 'text'> {
  // The same instruction comes several times: twice as many and some more have enough different ones.
  const prompts = (seed: number, most: number) => {
    const asked = exchanges({ seed, count: 2 * most + 40, tasks: ['open-ended', 'summarise'] })
    return [...new Set(asked.map(({ prompt }) => prompt))]
  }
  const measured = prompts(seeds.prompts, heldOut).slice(0, heldOut)
  const others = prompts(seeds.instructions, count).filter((prompt) => !measured.includes(prompt))
  return {
    instructions: rows(asked(others.slice(0, count)), 'the small world'),
    heldOut: rows(asked(measured), 'the small world, held out'),
    counts: { instructions: count, heldOut },
  }
}

/** The last ones are held out: of few instructions not more than a third. */
function split(all: Rows, most: number, mostHeldOut: number): Omit<AlignSources, 'text'> {
  const heldOut = Math.max(1, Math.min(mostHeldOut, Math.floor(all.length / 3)))
  const instructions = Math.min(most, all.length - heldOut)
  return {
    instructions: rows(all.slice(0, instructions), 'instructions'),
    heldOut: rows(all.slice(-heldOut), 'instructions that are held out'),
    counts: { instructions, heldOut },
  }
}

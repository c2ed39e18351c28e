import { type LogEntry, storedRun } from '@outrider/training'
import { type Directory, opfsDirectory, type PretrainedModel, readJson, within } from '@outrider/transformer'
import { answersFile, heldOutFile } from './data'
import { type AlignPlan, type StageName, temperatures } from './plan'

/** A run's folder in the browser's storage: one for each target. */
const root = 'outrider-align'
const planFile = 'plan.json'

/** The checkpoints of a stage of a plan. */
export const checkpointsOf = (
  folder: Directory,
  { distillation }: AlignPlan,
  stage: 'pretrain' | 'distil',
): Directory => within(folder, stage === 'pretrain' ? 'pretrain' : `distil-${distillation.attempt}`)

/** Where a target's run is kept: by its name, its tokens and its shape. */
export function runName({ source, tokenizer, config }: PretrainedModel): string {
  const readable = source.replace(/[^A-Za-z0-9]+/g, '-').slice(0, 40)
  const shape = [config.layers, config.hiddenSize, config.vocabularySize].join('-')
  return `${readable}-${shape}-${tokenizer.fingerprint.replace(/[^A-Za-z0-9]+/g, '').slice(0, 12)}`
}

export const openRun = (name: string): Directory => opfsDirectory(`${root}/${name}`)

/** Deletes what is stored of a run, or one folder of it. */
export async function deleteRun(name: string, folder?: string): Promise<void> {
  // Without storage, that is said by what is written next.
  const origin = await navigator.storage?.getDirectory?.().catch(() => undefined)
  if (!origin) return
  try {
    const runs = await origin.getDirectoryHandle(root)
    const [parent, entry] = folder ? [await runs.getDirectoryHandle(name), folder] : [runs, name]
    await parent.removeEntry(entry, { recursive: true })
  } catch (error) {
    if ((error as Error).name !== 'NotFoundError') throw error
  }
}

/** The plan of the run that is stored, or undefined. */
export async function storedPlan(folder: Directory): Promise<AlignPlan | undefined> {
  return (await folder.has(planFile)) ? ((await readJson(folder, planFile)) as AlignPlan) : undefined
}

export const storePlan = (folder: Directory, plan: AlignPlan): Promise<void> =>
  folder.write(planFile, `${JSON.stringify(plan, null, 2)}\n`)

/** How far a run is, by what is stored of it. */
export interface StoredProgress {
  done: Record<StageName, number>
  history: Record<'pretrain' | 'distil', LogEntry[]>
  /** The directory of the newest draft, a plain model. */
  draft: Directory | undefined
}

export async function storedProgress(folder: Directory, plan: AlignPlan): Promise<StoredProgress> {
  const progress: StoredProgress = {
    done: { generate: (await lines(folder, answersFile)) + (await lines(folder, heldOutFile)), pretrain: 0, distil: 0 },
    history: { pretrain: [], distil: [] },
    draft: undefined,
  }
  for (const stage of ['pretrain', 'distil'] as const) {
    const run = await storedRun(checkpointsOf(folder, plan, stage))
    if (!run) continue
    progress.draft = run.checkpoint
    progress.done[stage] = run.state.global_step
    progress.history[stage] = run.state.log_history
  }
  return progress
}

/** Rows that a plan's dataset has in the end. */
export const plannedRows = ({ generation }: AlignPlan): number =>
  (generation.instructions + generation.heldOut) * temperatures.length

async function lines(folder: Directory, file: string): Promise<number> {
  if (!(await folder.has(file))) return 0
  return (await folder.readText(file)).split('\n').length - 1
}

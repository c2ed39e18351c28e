import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { planFile, runFolder } from '@outrider/align'
import { runRecord, storedRun } from '@outrider/training'
import { directory, isModelFile } from '@outrider/transformer'
import { parallelName, plan } from '../demo/plan'
import { answersFile } from '../draft/answers-file'

/** A directory that a command writes: the run of a training, a model alone, what a target thinks of rows, or all of a demo. */
export type DirectoryKind = 'run' | 'model' | 'demo' | 'align' | 'shards'

/** The lock of a directory that is written. */
export const directoryLock = '.outrider-lock'

/**
 * What in a directory is not ours, so that nothing is written there; undefined where all is well. Ours are an empty directory; a
 * run that has recorded its checkpoints, whatever else was put beside them; a model of which every file is one that we write;
 * and what `demo` leaves.
 */
export async function strangerIn(folder: string, kind: DirectoryKind): Promise<string | undefined> {
  const names = (await readdir(folder)).filter((name) => !isPassing(name))
  return await strangers[kind](folder, names)
}

/**
 * Whether a run has recorded checkpoints in a directory and has not come to its end: a new one would lose what was
 * trained. A record that cannot be read may be of one. The draft of a finished run is an output like any other, and is replaced.
 */
export async function holdsUnfinishedRun(folder: string): Promise<boolean> {
  try {
    const run = await storedRun(directory(folder))
    return run !== null && !run.isDone
  } catch {
    return true
  }
}

const strangers: Record<
  DirectoryKind,
  (folder: string, names: readonly string[]) => Promise<string | undefined> | string | undefined
> = {
  run(_, names) {
    if (names.includes(runRecord)) return undefined // what it says is for whoever resumes
    return names.find((name) => !/^checkpoint-\d+$/.test(name)) // killed before its first checkpoint was whole
  },
  model: (_, names) => names.find((name) => !isModelFile(name) && name !== answersFile),
  shards: (_, names) => names.find((name) => !/^targets-[0-9a-f]+\.parquet$/.test(name)),
  // What is beside a run was put there later; without one nothing may be.
  align: async (folder, names) =>
    (await directory(folder).has(`${runFolder}/${planFile}`)) ? undefined : names.find((name) => name !== runFolder),
  async demo(folder, names) {
    const known = ['target', 'distillation.jsonl', 'report.html', ...demoDrafts]
    if (['target', 'distillation.jsonl', 'draft-pretrained'].every((name) => names.includes(name))) {
      if ((await strangerInModel(join(folder, 'target'))) === undefined) return undefined
    }
    const stranger = names.find((name) => !known.includes(name))
    if (stranger !== undefined) return stranger
    for (const name of names.filter((name) => !/\./.test(name)))
      if ((await strangerInModel(join(folder, name))) !== undefined) return name
    return undefined
  },
}

/** The drafts that a demo leaves. */
export const demoDrafts = ['pretrained', ...plan.distillation.losses, parallelName].map((name) => `draft-${name}`)

const strangerInModel = (folder: string): Promise<string | undefined> => strangerIn(folder, 'model').catch(() => folder)

/** Files that come and go: our lock, what a killed process left half-written, a file manager's own. */
const isPassing = (name: string): boolean =>
  name.startsWith(directoryLock) || /^\..+\.\d+-\d+\.tmp$/.test(name) || name === '.DS_Store' || name === 'lost+found'

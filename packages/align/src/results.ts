import { type Directory, readJson } from '@outrider/transformer'
import type { Stage } from './plan/plan'
import type { Phase } from './stages/distill'
import type { Measured } from './stages/evaluate'
import type { Generated } from './stages/generate'
import type { Pretrained } from './stages/pretrain'
import { files } from './stages/run'

/** What a finished stage found, and the seconds of the call that finished it. */
export interface Finished<Found> {
  found: Found
  seconds: number
}

/** Of each stage that is done. */
export interface StageResults {
  generate?: Finished<Generated>
  pretrain?: Finished<Pretrained>
  distill?: Finished<{ phases: Phase[] }>
  evaluate?: Finished<Measured>
}

export const readResults = async (folder: Directory): Promise<StageResults> =>
  (await folder.has(files.results)) ? ((await readJson(folder, files.results)) as StageResults) : {}

export const writeResults = (folder: Directory, results: StageResults): Promise<void> =>
  folder.write(files.results, `${JSON.stringify(results)}\n`)

/** A stage that leaves what it found. */
export type ResultStage = Exclude<Stage, 'look'>

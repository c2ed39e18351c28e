import type { GenerateDatasetOptions, GenerateSeedsOptions, SelfWritten } from '@outrider/dataset'
import type { TargetStates, TopTokenTarget } from '@outrider/training'
import type { PretrainedModel } from '@outrider/transformer'
import type { Run } from '../stages/run'

/** What does the target's part of a run: it itself, or an engine elsewhere that has it. */
export interface Teacher {
  /** The target, where it is in memory: what it takes to measure with it. */
  readonly model: PretrainedModel | undefined
  /** Has it write instructions (`generateSeeds`). */
  writeSeeds(options: Omit<GenerateSeedsOptions, 'target' | 'speaker'>): Promise<SelfWritten>
  /** Begins a stage in which it answers; what it thinks of its answers is kept for `lessons`. */
  answering(run: TaughtRun): Answering
  /** Its embedding in so many columns, by how often ids are said; undefined where it is not at hand. */
  embedding(options: { width: number; counts: ArrayLike<number> }): Promise<Float32Array | undefined>
  /** What a draft learns from. The caller disposes of it. */
  lessons(run: TaughtRun): Promise<Lessons>
}

/** What a teacher is told of the run. */
export type TaughtRun = Pick<Run, 'folder' | 'signal' | 'tell'>

export interface Answering extends Disposable {
  answer(options: Omit<GenerateDatasetOptions, 'target' | 'onStates' | 'maxFailed'>): Promise<void>
  /** Has it say what it thinks of the answers in these files, where it did not as it answered. */
  think(files: readonly string[]): Promise<void>
}

export interface Lessons extends Disposable {
  target: PretrainedModel | TopTokenTarget
  targetStates: TargetStates | undefined
}

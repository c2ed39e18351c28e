import type { LeftOut } from '@outrider/dataset'
import type { Device } from '@outrider/tensor'
import { type LogEntry, type Resumption, resumptionWarnings, storedRun } from '@outrider/training'
import type { Directory, DraftTarget } from '@outrider/transformer'
import type { Plan, Stage } from '../plan/plan'
import type { Teacher } from '../teacher/teacher'

/** What all stages are given. */
export interface Run {
  /** What speaks as the target does; its weights may be elsewhere. */
  target: DraftTarget
  /** Who does the target's part. */
  teacher: Teacher
  /** Where the draft is. */
  device: Device
  /** The draft's directory, which the user named. */
  out: Directory
  /** The run's folder in it: data, checkpoints, what was found. */
  folder: Directory
  plan: Plan
  signal: AbortSignal | undefined
  tell: (event: AlignEvent) => void
}

/** What a run tells of itself on the way. */
export type AlignEvent =
  /** A stage begins: what it does and why, and the seconds that it is expected to take; null where nothing says. */
  | { kind: 'stage'; stage: Stage; text: string; seconds: number | null }
  /** The plan is made, or was known. */
  | { kind: 'plan'; plan: Plan; known: boolean }
  /** Work goes on: so many of so many units, with a figure for a curve. */
  | { kind: 'progress'; label: string; done: number; total: number; unit: string; note?: string; figure?: Figure }
  /** What training logs, step by step, for who draws it; where a run goes on, all that was logged before comes first. */
  | { kind: 'log'; stage: 'pretrain' | 'distill'; phase: number; entries: readonly LogEntry[] }
  /** Something worth a line. */
  | { kind: 'note'; text: string }
  /** Something that must be seen. */
  | { kind: 'warning'; text: string }

export interface Figure {
  name: string
  value: number
  decimals: number
}

/** Rows that are cut or passed over are told of. */
export const tellLeftOut =
  ({ tell }: Pick<Run, 'tell'>) =>
  ({ message }: LeftOut): void =>
    tell({ kind: 'warning', text: message })

/** What training says when it goes on: damaged checkpoints, and what is not as it was. */
export const tellResumption =
  ({ tell }: Pick<Run, 'tell'>) =>
  (resumption: Resumption): void => {
    for (const text of resumptionWarnings(resumption)) tell({ kind: 'warning', text })
  }

/** What was logged before a run was stopped, of the checkpoint that it goes on from. */
export async function tellLogged(
  { tell }: Pick<Run, 'tell'>,
  checkpoints: Directory,
  which: Pick<Extract<AlignEvent, { kind: 'log' }>, 'stage' | 'phase'>,
): Promise<void> {
  const stored = await storedRun(checkpoints, { whole: true })
  if (stored) tell({ kind: 'log', ...which, entries: stored.state.log_history })
}

/** Files of a run in its folder. */
export const files = {
  seeds: 'seeds.jsonl',
  selfWritten: 'self-written.jsonl',
  written: 'written-seeds.jsonl',
  heldOutSeeds: 'held-out-seeds.jsonl',
  answers: 'answers.jsonl',
  heldOut: 'held-out.jsonl',
  /** Of the held-out seeds those that were measured on. */
  measured: 'measured.jsonl',
  results: 'results.json',
} as const

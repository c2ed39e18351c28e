import type { StageProgress } from '../engine/index'
import { durationOf } from './durations'

/** A stage as it is shown. */
export interface ShownStage {
  title: string
  /** What it does and why, in a sentence. */
  text?: string | undefined
  /** What is counted. */
  unit: string
  /** What is counted within a stage that does one thing after another. */
  label?: string | undefined
  /** Undefined before anything is known of how far it is. */
  progress: StageProgress | undefined
  isDone: boolean
  runs: boolean
  /** What is said of it once it is done, and before it runs. */
  done?: string | undefined
  waits?: string | undefined
  /** What else is told while it runs. */
  note?: string | undefined
}

/** Stages in their order, with how far each is: side by side, or one below the other where there is much to say. */
export function Stages({ of, layout = 'row' }: { of: readonly ShownStage[]; layout?: 'row' | 'list' }) {
  return (
    <ol class="stages" data-layout={layout}>
      {of.map((stage) => (
        <Stage key={stage.title} {...stage} />
      ))}
    </ol>
  )
}

function Stage({ title, text, unit, label, progress, isDone, runs, ...said }: ShownStage) {
  const { done, total } = progress ?? { done: isDone ? 1 : 0, total: 1 }
  return (
    <li
      class="stage"
      data-state={isDone ? 'done' : runs ? 'running' : 'waiting'}
      aria-current={runs ? 'step' : undefined}
    >
      <p class="stage-title">
        <strong>{title}</strong>
        {progress && (
          <span class="quiet">
            {label && `${label}: `}
            {done} of {total} {unit}
          </span>
        )}
      </p>
      {text && <p class="stage-text">{text}</p>}
      <progress
        value={runs && !progress ? undefined : isDone && !progress ? 1 : done}
        max={Math.max(total, 1)}
        aria-label={title}
      />
      <p class="hint">{wordsOf({ unit, progress, isDone, runs, ...said })}</p>
    </li>
  )
}

function wordsOf(stage: Omit<ShownStage, 'title' | 'text' | 'label'>): string {
  const { unit, progress, isDone, runs, done, waits, note } = stage
  if (isDone) return done ?? 'Done'
  if (!runs) return progress && progress.done > 0 ? 'Goes on from here' : (waits ?? 'Waits')
  if (progress?.rate === undefined) return note ?? 'Compiling kernels…'
  const { rate, tokensPerSecond, secondsLeft = 0 } = progress
  return [
    `${figure(rate)} ${unit} a second`,
    tokensPerSecond !== undefined && `${Math.round(tokensPerSecond)} tokens a second`,
    note,
    `about ${durationOf(secondsLeft)} left`,
  ]
    .filter((part) => part)
    .join(', ')
}

const figure = (rate: number) => (rate >= 10 ? rate.toFixed(0) : rate.toPrecision(2))

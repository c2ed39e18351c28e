import type { AlignState, StageName, StageProgress } from '../engine/index'
import { durationOf } from './durations'

const names: Record<StageName, { title: string; unit: string }> = {
  generate: { title: 'The target answers', unit: 'answers' },
  pretrain: { title: 'Pretrain on text', unit: 'steps' },
  distil: { title: 'Distil from the target', unit: 'steps' },
}

/** The three stages, with how far each is. */
export function Stages({ state }: { state: AlignState }) {
  return (
    <ol class="stages">
      {(Object.keys(names) as StageName[]).map((stage) => (
        <Stage
          key={stage}
          stage={stage}
          progress={state.stages[stage]}
          complete={state.phase === 'done' || isBefore(stage, state.stage)}
          runs={state.stage === stage && state.phase === 'running'}
        />
      ))}
    </ol>
  )
}

const isBefore = (stage: StageName, other: StageName) => {
  const order = Object.keys(names)
  return order.indexOf(stage) < order.indexOf(other)
}

interface StageProps {
  stage: StageName
  progress: StageProgress
  complete: boolean
  runs: boolean
}

function Stage({ stage, progress, complete, runs }: StageProps) {
  const { done, total, rate, secondsLeft, tokensPerSecond } = progress
  const { title, unit } = names[stage]
  return (
    <li
      class="stage"
      data-state={complete ? 'done' : runs ? 'running' : 'waiting'}
      aria-current={runs ? 'step' : undefined}
    >
      <p class="stage-title">
        <strong>{title}</strong>
        <span class="quiet">
          {done} of {total} {unit}
        </span>
      </p>
      <progress value={done} max={Math.max(total, 1)} aria-label={title} />
      <p class="hint">
        {complete
          ? 'Done'
          : runs && rate !== undefined
            ? `${figure(rate)} ${unit} a second, ${Math.round(tokensPerSecond ?? 0)} tokens a second, about ${durationOf(secondsLeft ?? 0)} left`
            : runs
              ? 'Compiling kernels…'
              : done > 0
                ? 'Goes on from here'
                : 'Waits'}
      </p>
    </li>
  )
}

const figure = (rate: number) => (rate >= 10 ? rate.toFixed(0) : rate.toPrecision(2))

import { useMemo } from 'preact/hooks'
import { countOf } from '../app/numbers'
import type { AlignPhase, AlignState, StageName } from '../engine/index'
import { answerFull, discard, download, pause, resume, useInChat } from './alignment'
import { Blocks } from './blocks'
import { Charts } from './charts'
import type { LoggedPart } from './curves'
import { DistilAgain } from './distil-again'
import { DraftCard } from './draft-card'
import { FullStorage, Stopped, Unsaved } from './interruptions'
import { lossTitles } from './losses'
import { RunHead } from './run-head'
import { type ShownStage, Stages } from './stages'

const phases: Record<AlignPhase, string> = {
  none: '',
  starting: 'Starting…',
  running: 'Training',
  pausing: 'Stops after this step…',
  full: 'Waits for room in the storage',
  paused: 'Paused',
  done: 'Done',
}

/** A run: its stages, its curves, and what can be done with it. */
export function Run({ state }: { state: AlignState }) {
  const parts = useMemo(() => partsOf(state), [state.history, state.plan])
  return (
    <div class="run">
      <section class="card run-head" aria-labelledby="run-title">
        <RunHead
          phase={state.phase}
          said={phases[state.phase]}
          isWarning={state.phase === 'full'}
          {...{ pause, resume, discard }}
        />
        <Facts state={state} />
        {state.failure && <Stopped failure={state.failure} />}
        {state.phase === 'full' && <FullStorage answer={answerFull} />}
        {state.leftOut.map((message) => (
          <p class="run-note" key={message}>
            {message}
          </p>
        ))}
        {state.unsaved && <Unsaved />}
        <Stages of={stagesOf(state)} />
      </section>
      <Charts parts={parts} lossNote="Cross-entropy until the dashed line, then the loss that was chosen." />
      {state.draft && (
        <DraftCard draft={state.draft} useInChat={useInChat} download={download}>
          {(state.phase === 'done' || state.phase === 'paused') && <DistilAgain state={state} />}
        </DraftCard>
      )}
      {state.draft && (state.phase === 'done' || state.blocks) && <Blocks state={state} />}
    </div>
  )
}

/** The run in a line. */
function Facts({ state: { plan, draft } }: { state: AlignState }) {
  if (!plan) return null
  const { loss } = plan.distillation
  const name = loss.kind === 'typed' ? 'a loss of your own' : (lossTitles[loss.name]?.title ?? loss.name)
  const shape = `${plan.draft.layers} ${plan.draft.layers === 1 ? 'layer' : 'layers'} of ${plan.draft.hiddenSize}`
  return (
    <p class="quiet">
      {shape}
      {draft && `, ${countOf(draft.parameters)} parameters, ${draft.ofTarget.toPrecision(2)} of the model's`}; distilled
      with {name}.
    </p>
  )
}

const names: Record<StageName, { title: string; unit: string }> = {
  generate: { title: 'The target answers', unit: 'answers' },
  pretrain: { title: 'Pretrain on text', unit: 'steps' },
  distil: { title: 'Distil from the target', unit: 'steps' },
}

function stagesOf({ stages, stage, phase, blocks }: AlignState): ShownStage[] {
  const order = Object.keys(names) as StageName[]
  return order.map((name) => ({
    ...names[name],
    progress: stages[name],
    isDone: phase === 'done' || blocks !== undefined || order.indexOf(name) < order.indexOf(stage),
    runs: name === stage && phase === 'running' && !blocks,
  }))
}

const partsOf = ({ history, plan }: AlignState): LoggedPart[] => [
  { offset: 0, entries: history.pretrain },
  { offset: plan?.pretraining.steps ?? 0, entries: history.distil },
]

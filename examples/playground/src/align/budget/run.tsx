import { useMemo } from 'preact/hooks'
import { change, settings } from '../../chat/settings'
import { Switch } from '../../controls/index'
import type { BudgetPhase, BudgetState } from '../../engine/index'
import { Charts } from '../charts'
import type { LoggedPart } from '../curves'
import { DraftCard } from '../draft-card'
import { durationOf } from '../durations'
import { FullStorage, Stopped, Unsaved } from '../interruptions'
import { RunHead } from '../run-head'
import { type ShownStage, Stages } from '../stages'
import { answerFull, discard, download, pause, resume, saveInto, trainAnyway, useInChat } from './budget-run'
import { PlanCard } from './plan'
import { Ways } from './ways'

const phases: Record<BudgetPhase, string> = {
  none: '',
  refused: 'Not begun',
  declined: 'Nothing trained',
  starting: 'Starting…',
  running: 'Running',
  pausing: 'Stops after this step…',
  full: 'Waits for room in the storage',
  paused: 'Paused',
  done: 'Done',
}

const warned: readonly BudgetPhase[] = ['refused', 'declined', 'full']

/** A run by a time budget: the verdict, the stages, the plan, the curves, the draft. */
export function BudgetRun({ state }: { state: BudgetState }) {
  const { phase, plan, planned, logged, verdict, ways, tasks, failure, draft } = state
  const parts = useMemo(() => partsOf(state), [logged, plan])
  const losses = plan?.asked.losses ?? []
  return (
    <div class="run">
      <section class="card run-head" aria-labelledby="run-title">
        <RunHead
          phase={phase}
          said={phases[phase]}
          isWarning={warned.includes(phase)}
          {...{ pause, resume, discard }}
        />
        {verdict !== undefined && <p class="run-sentence">{verdict}</p>}
        {phase === 'refused' ? <Refused state={state} /> : failure && <Stopped failure={failure} />}
        {phase === 'declined' && <Declined />}
        {phase === 'full' && <FullStorage answer={answerFull} />}
        {state.warnings.map((message) => (
          <p class="run-note" key={message}>
            {message}
          </p>
        ))}
        {state.unsaved && <Unsaved />}
        {phase !== 'refused' && <Stages of={stagesOf(state)} layout="list" />}
      </section>
      {ways.length > 0 && <Ways ways={ways} tasks={tasks} />}
      {plan && <PlanCard plan={plan} planned={planned} />}
      {parts.some(({ entries }) => entries.length > 0) && (
        <Charts
          parts={parts}
          lossNote={`Cross-entropy until the first dashed line, then ${losses.map((name) => name.toUpperCase()).join(', then ')}.`}
        />
      )}
      {draft && (
        <DraftCard {...{ draft, useInChat, download, saveInto }}>{state.hasTable && <TableInChat />}</DraftCard>
      )}
      {!draft && state.hasTable && (
        <section class="card run-draft" aria-labelledby="table-title">
          <header class="card-header">
            <h2 id="table-title">Already of use</h2>
          </header>
          <TableInChat />
        </section>
      )}
    </div>
  )
}

/** The target's answers help before there is a draft, and before it where there is one. */
function TableInChat() {
  return (
    <Switch
      label="Look up in the model's answers in Chat"
      checked={settings.value.learnFromAnswers}
      onChange={(learnFromAnswers) => change({ learnFromAnswers })}
    />
  )
}

/** What is stored is another model's run, or cannot be read. */
function Refused({ state: { failure, draftName } }: { state: BudgetState }) {
  return (
    <div class="run-failure" role="alert">
      <p>
        <strong>What is stored under this name does not belong to this model.</strong> {failure?.message}
      </p>
      <p>
        It is kept as {draftName}. Open the model that it was begun with, as it was opened then, to go on; or start
        over, which deletes it.
      </p>
    </div>
  )
}

/** No draft can pay: said before anything is trained. */
function Declined() {
  return (
    <div class="run-note" role="alert">
      <p>
        <strong>No draft can pay here.</strong> Even one of which seven in ten tokens are accepted would make answers
        slower, so nothing was trained. Prompt lookup needs no draft, and Chat has it already.
      </p>
      <p class="actions">
        <button type="button" class="button" onClick={() => void trainAnyway()}>
          Train one all the same
        </button>
      </p>
    </div>
  )
}

const names = {
  look: { title: 'Look', unit: '' },
  generate: { title: 'Answers', unit: 'answers' },
  pretrain: { title: 'Pretrain', unit: 'steps' },
  distill: { title: 'Distil', unit: 'steps' },
  evaluate: { title: 'Measure', unit: 'answers' },
} as const

function stagesOf({ stages, stage, phase, note }: BudgetState): ShownStage[] {
  return (Object.keys(names) as (keyof typeof names)[]).map((name) => {
    const { isDone, text, seconds, work } = stages[name]
    const runs = name === stage && !isDone && (phase === 'running' || phase === 'pausing' || phase === 'full')
    return {
      title: names[name].title,
      text,
      unit: work?.unit ?? names[name].unit,
      label: work?.label,
      progress: work?.progress,
      isDone,
      runs,
      note: [work?.note, note].filter((part) => part).join(', ') || undefined,
      done: seconds === undefined ? undefined : `Done, in ${durationOf(seconds)}`,
      waits: seconds === undefined ? undefined : `Takes about ${durationOf(seconds)}`,
    }
  })
}

/** One training after the other: pretraining, then each loss. */
function partsOf({ logged: { pretrain, distill } }: Pick<BudgetState, 'logged'>): LoggedPart[] {
  let offset = 0
  return [pretrain, ...distill].map((entries) => {
    const part = { offset, entries }
    offset += entries.at(-1)?.step ?? 0
    return part
  })
}

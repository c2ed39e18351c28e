import {
  type AlignEvent,
  type Aligned,
  byTask,
  canPay,
  type Plan,
  planTime,
  shapeName,
  stages,
  verdict,
  whatFor,
} from '@outrider/align'
import { allTasks } from '@outrider/evaluation'
import { StagePace } from '../align/progress'
import type { BudgetStage, BudgetState, LoggedTraining } from './state'

/** Follows what a run tells of itself: gives the state after each event. */
export function following(): (state: BudgetState, event: AlignEvent) => BudgetState {
  let work = { label: '', pace: new StagePace() }
  let stageBegan = performance.now()
  return (state, event) => {
    switch (event.kind) {
      case 'stage': {
        const { stage, text, seconds } = event
        work = { label: '', pace: new StagePace() }
        const done = withDone(state, stage, (performance.now() - stageBegan) / 1000)
        stageBegan = performance.now()
        const begun = { isDone: false, text, seconds: seconds ?? undefined, work: undefined }
        return { ...withStage(done, stage, begun), stage, note: undefined }
      }
      case 'plan':
        return planned(state, event.plan)
      case 'progress': {
        const { label, done, total, unit, note, figure } = event
        if (!state.stage) return state
        if (label !== work.label) work = { label, pace: new StagePace() }
        const progress = work.pace.from(done).at(done, total)
        const shown = [note, figure?.name === 'tokens/s' && `${figure.value.toFixed(0)} tokens a second`]
        const said = shown.filter((part) => part).join(', ')
        return withStage(state, state.stage, { work: { label, unit, progress, note: said || undefined } })
      }
      case 'log':
        return { ...state, logged: withLogged(state.logged, event) }
      case 'note':
        return { ...state, note: event.text.trim() }
      case 'warning':
        return { ...state, warnings: [...new Set([...state.warnings, event.text])] }
    }
  }
}

/** What a run looks like by its plan and by what its finished stages found. */
export function foundState(state: BudgetState, { plan, results }: Pick<Aligned, 'plan' | 'results'>): BudgetState {
  let shown = planned(state, plan)
  for (const stage of stages) {
    const finished = stage === 'look' ? undefined : results[stage]
    if (finished) shown = withStage(shown, stage, { isDone: true, seconds: finished.seconds, work: undefined })
  }
  const { pretrain, distill, evaluate } = results
  return {
    ...shown,
    logged: {
      pretrain: pretrain?.found.history ?? shown.logged.pretrain,
      distill: distill?.found.phases.map(({ history }) => history) ?? shown.logged.distill,
    },
    ways: evaluate?.found.rows.filter(({ task }) => task === allTasks) ?? [],
    tasks: evaluate ? byTask(evaluate.found) : [],
    verdict: evaluate && verdict(plan, evaluate.found),
  }
}

function planned(state: BudgetState, plan: Plan): BudgetState {
  const words = { draft: shapeName(plan.draft), time: planTime(plan).text }
  let shown: BudgetState = { ...state, plan, planned: words, canPay: canPay(plan.look), note: undefined }
  for (const stage of stages) {
    const text = stage === 'look' ? 'what passes cost here, and what a draft could bring' : whatFor(stage, plan)
    shown = withStage(shown, stage, { text, seconds: plan.seconds[stage], ...(stage === 'look' && { isDone: true }) })
  }
  return shown
}

/** Those before a stage are done when it begins, the last of them in so many seconds. */
function withDone(state: BudgetState, before: (typeof stages)[number], seconds: number): BudgetState {
  let shown = state
  for (const stage of stages.slice(0, stages.indexOf(before)))
    shown = withStage(shown, stage, { isDone: true, work: undefined, ...(stage === state.stage && { seconds }) })
  return shown
}

const withStage = (state: BudgetState, stage: (typeof stages)[number], change: Partial<BudgetStage>): BudgetState => ({
  ...state,
  stages: { ...state.stages, [stage]: { ...state.stages[stage], ...change } },
})

/** What is logged again, as a run goes on from a checkpoint, takes the place of what was logged of these steps. */
function withLogged(
  logged: LoggedTraining,
  { stage, phase, entries }: Extract<AlignEvent, { kind: 'log' }>,
): LoggedTraining {
  const first = entries[0]?.step ?? Number.POSITIVE_INFINITY
  const from = (known: LoggedTraining['pretrain'] = []) => {
    // Step for step nothing is copied: there may be many thousands.
    const kept = (known.at(-1)?.step ?? 0) < first ? known : known.filter(({ step }) => step < first)
    for (const entry of entries) kept.push(entry)
    return kept
  }
  if (stage === 'pretrain') return { ...logged, pretrain: from(logged.pretrain) }
  const distill = Array.from({ length: Math.max(phase + 1, logged.distill.length) }, (_, i) => logged.distill[i] ?? [])
  distill[phase] = from(distill[phase])
  return { ...logged, distill }
}

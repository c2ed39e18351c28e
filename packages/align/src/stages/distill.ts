import { type Batch, batchesOnce, jsonl } from '@outrider/dataset'
import { lossByName } from '@outrider/losses'
import { OutriderError } from '@outrider/tensor'
import { distill, type LogEntry, storedRun } from '@outrider/training'
import { loadCausalLM, type PretrainedModel, within } from '@outrider/transformer'
import type { Lessons } from '../teacher/teacher'
import { Positions } from './positions'
import { checkpointEvery, pretrainFolder } from './pretrain'
import { files, type Run, tellLeftOut, tellLogged, tellResumption } from './run'
import { saveDraft } from './written-draft'

/** How a phase went, and its best draft. */
export interface Phase {
  loss: string
  history: LogEntry[]
  best: LogEntry | null
  /** Positions that passed through the draft, padding included; about, where the phase was stopped on the way. */
  positions: number
}

/**
 * The draft learns how the target speaks, loss after loss. Of each phase the checkpoint with the longest simulated acceptance on
 * what is held out goes on, and a phase ends early where that no longer grows.
 */
export async function distillDraft(run: Run): Promise<{ phases: Phase[] }> {
  const { folder, plan, target, teacher } = run
  const { batchSize, length, phases } = plan.distill
  const validation = await batchesOnce(jsonl({ directory: folder, file: files.heldOut }), target, {
    batchSize,
    length,
    onLeftOut: tellLeftOut(run),
  })
  using lessons = await teacher.lessons(run)
  const draft = await pretrainedDraft(run)
  try {
    const done: Phase[] = []
    for (const [index, { loss }] of phases.entries())
      done.push({ loss, ...(await distillPhase(run, { index, draft, validation, lessons })) })
    await saveDraft(run, draft)
    return { phases: done }
  } finally {
    draft.dispose()
  }
}

/** A gain in tokens of a block that is less than this is none: the figure's own noise is larger. */
const leastGain = 0.002

/** One loss, until nothing is gained any more. The draft ends with the weights of the phase's best checkpoint. */
async function distillPhase(
  run: Run,
  {
    index,
    draft,
    validation,
    lessons,
  }: { index: number; draft: PretrainedModel; validation: Batch[]; lessons: Lessons },
): Promise<Omit<Phase, 'loss'>> {
  const { folder, plan, signal, tell } = run
  const { target, targetStates } = lessons
  const { batchSize, length, validateEvery, patience } = plan.distill
  const { loss, steps, learningRate } = plan.distill.phases[index]!
  const total = plan.distill.phases.reduce((sum, phase) => sum + phase.steps, 0)
  const seen = new Positions()
  const checkpoints = within(folder, `distill-${index + 1}`)
  await tellLogged(run, checkpoints, { stage: 'distill', phase: index })
  const {
    history,
    best = null,
    steps: done,
  } = await distill({
    draft,
    target,
    data: jsonl({ directory: folder, file: files.answers }),
    loss: lossByName(loss),
    targetStates,
    steps,
    learningRate,
    batchSize,
    length,
    seed: plan.asked.seed,
    validation,
    validateEvery,
    ...(validation.length > 0 && { keepBest: { by: 'acceptance-length', leastGain, patience } }),
    checkpoints,
    checkpointEvery: checkpointEvery(plan.seconds.distill, total),
    resume: true,
    signal,
    onLeftOut: tellLeftOut(run),
    onResume: tellResumption(run),
    onStep({ step, loss: value, acceptanceRate = 0, validation: figures, tokens }) {
      seen.add(tokens)
      const logged = { step, loss: value, acceptance_rate: acceptanceRate }
      tell({ kind: 'log', stage: 'distill', phase: index, entries: figures ? [logged, figures] : [logged] })
      tell({
        kind: 'progress',
        label: `distill ${loss}`,
        done: step,
        total: steps,
        unit: 'steps',
        note: `loss ${value.toFixed(3)}, α ${acceptanceRate.toFixed(3)}`,
        figure: { name: 'α', value: acceptanceRate, decimals: 2 },
      })
      if (figures) tell({ kind: 'note', text: `  step ${step}, held out: ${heldOutText(figures)}` })
    },
  })
  return { history, best, positions: seen.inAll(done) }
}

function heldOutText({ eval_acceptance_rate, eval_acceptance_length = {} }: LogEntry): string {
  const lengths = Object.entries(eval_acceptance_length).map(
    ([gamma, tokens]) => `τ ${tokens.toFixed(2)} at γ ${gamma}`,
  )
  return [`α ${(eval_acceptance_rate ?? 0).toFixed(3)}`, ...lengths].join(', ')
}

/** What the stage before has ended with. */
async function pretrainedDraft({ device, folder }: Run): Promise<PretrainedModel> {
  const stored = await storedRun(within(folder, pretrainFolder))
  if (stored) return loadCausalLM(stored.checkpoint, { device, dtype: 'f32' })
  throw new OutriderError('FILE_MISSING', `${folder.name}/${pretrainFolder} has no pretrained draft.`, {
    remedy: 'Let the stage pretrain go first.',
  })
}

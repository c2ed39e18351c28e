import { type Batch, batchesOnce, jsonl } from '@outrider/dataset'
import { lossByName } from '@outrider/losses'
import { OutriderError } from '@outrider/tensor'
import { distill, type LogEntry, type StoredRun, storedRun, TargetStates } from '@outrider/training'
import { type Directory, loadCausalLM, saveCausalLM, within } from '@outrider/transformer'
import { Positions } from './positions'
import { checkpointEvery, pretrainFolder } from './pretrain'
import { files, type Run, tellLeftOut, tellLogged, tellResumption } from './run'
import { saveDraft } from './save-draft'
import { bestOf, hasStalled } from './stall'

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
  const { folder, plan, target } = run
  const { batchSize, length, phases } = plan.distill
  const validation = await batchesOnce(jsonl({ directory: folder, file: files.heldOut }), target, {
    batchSize,
    length,
    onLeftOut: tellLeftOut(run),
  })
  // Kept on disk, too: who goes on after a stop does not ask the target again.
  using targetStates = new TargetStates({
    directory: within(folder, 'states'),
    directoryBytes: mostStateBytes,
    onTrouble: (text) => run.tell({ kind: 'warning', text }),
  })
  let start = await lastCheckpoint(within(folder, pretrainFolder))
  const done: Phase[] = []
  for (const [index, { loss }] of phases.entries()) {
    const phase = await distillPhase(run, { index, start, validation, targetStates })
    done.push({ loss, ...phase })
    start = within(folder, bestFolder(index))
  }
  const draft = await loadCausalLM(start, { device: target.model.device, dtype: 'f32' })
  await saveDraft(run, draft)
  draft.dispose()
  return { phases: done }
}

/** Of 1.8 million positions of a target of width 576. */
const mostStateBytes = 2 ** 31

const phaseFolder = (index: number) => `distill-${index + 1}`
const bestFolder = (index: number) => `distill-${index + 1}-best`

/**
 * One loss, from validation to validation: at each the run stops for a moment, so that its checkpoint can be kept where it is the
 * best so far. Whoever goes on after a kill finds the checkpoint that the history names.
 */
async function distillPhase(
  run: Run,
  {
    index,
    start,
    validation,
    targetStates,
  }: { index: number; start: Directory; validation: Batch[]; targetStates: TargetStates },
): Promise<Omit<Phase, 'loss'>> {
  const { target, folder, plan, signal, tell } = run
  const { batchSize, length, validateEvery, patience } = plan.distill
  const { loss, steps, learningRate } = plan.distill.phases[index]!
  const total = plan.distill.phases.reduce((sum, phase) => sum + phase.steps, 0)
  const checkpoints = within(folder, phaseFolder(index))
  const seen = new Positions()
  await tellLogged(run, checkpoints, { stage: 'distill', phase: index })
  for (;;) {
    const stored = await storedRun(checkpoints, { whole: true })
    const history = stored?.state.log_history ?? []
    const best = bestOf(history)
    const isDone = stored !== null && (stored.state.global_step >= steps || hasStalled(history, patience))
    if (stored) await keepBest(run, { index, stored, step: best?.step ?? (isDone ? steps : undefined) })
    if (isDone) return { history, best, positions: seen.inAll(stored.state.global_step) }
    const pause = new AbortController()
    const draft = await loadCausalLM(start, { device: target.model.device, dtype: 'f32' })
    try {
      await distill({
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
        checkpoints,
        checkpointEvery: checkpointEvery(plan.seconds.distill, total),
        resume: true,
        signal: signal ? AbortSignal.any([signal, pause.signal]) : pause.signal,
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
          if (!figures) return
          tell({ kind: 'note', text: `  step ${step}, held out: ${heldOutText(figures)}` })
          if (step < steps) pause.abort()
        },
      })
    } catch (error) {
      const paused = error instanceof OutriderError && error.code === 'ABORTED' && pause.signal.aborted
      if (!paused || signal?.aborted) throw error
    } finally {
      seen.endCall()
      draft.dispose()
    }
  }
}

function heldOutText({ eval_acceptance_rate, eval_acceptance_length = {} }: LogEntry): string {
  const lengths = Object.entries(eval_acceptance_length).map(
    ([gamma, tokens]) => `τ ${tokens.toFixed(2)} at γ ${gamma}`,
  )
  return [`α ${(eval_acceptance_rate ?? 0).toFixed(3)}`, ...lengths].join(', ')
}

/** Copies the checkpoint at hand where it is that of the best step so far: it is the newest, as the run stops at every validation. */
async function keepBest(
  { folder, target }: Run,
  { index, stored, step }: { index: number; stored: StoredRun; step: number | undefined },
): Promise<void> {
  const mark = `${bestFolder(index)}.json`
  const kept = (await folder.has(mark)) ? (JSON.parse(await folder.readText(mark)) as { step: number }).step : -1
  if (step === kept || stored.state.global_step !== step) return
  const draft = await loadCausalLM(stored.checkpoint, { device: target.model.device, dtype: 'f32' })
  await saveCausalLM(draft, within(folder, bestFolder(index)))
  draft.dispose()
  await folder.write(mark, `${JSON.stringify({ step })}\n`)
}

/** What a finished run has last. */
async function lastCheckpoint(folder: Directory): Promise<Directory> {
  const stored = await storedRun(folder)
  if (stored) return stored.checkpoint
  throw new OutriderError('FILE_MISSING', `${folder.name} has no pretrained draft.`, {
    remedy: 'Let the stage pretrain go first.',
  })
}

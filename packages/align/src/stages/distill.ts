import { type Batch, batchesOnce, jsonl, type OnLeftOut } from '@outrider/dataset'
import { lossByName } from '@outrider/losses'
import { OutriderError } from '@outrider/tensor'
import { distill, type LogEntry, storedRun, TargetStates } from '@outrider/training'
import { type Directory, loadCausalLM, saveCausalLM, within } from '@outrider/transformer'
import { checkpointEvery, pretrainFolder } from './pretrain'
import { files, type Run, tellLeftOut } from './run'
import { bestOf, hasStalled } from './stall'

/** How a phase went, and its best draft. */
export interface Phase {
  loss: string
  history: LogEntry[]
  best: LogEntry | null
}

/**
 * The draft learns how the target speaks, loss after loss. Of each phase the checkpoint with the longest simulated acceptance on
 * what is held out goes on, and a phase ends early where that no longer grows.
 */
export async function distillDraft(run: Run): Promise<{ phases: Phase[] }> {
  const { folder, plan, target, out } = run
  const { batchSize, length, phases } = plan.distill
  const validation = await batchesOnce(jsonl({ directory: folder, file: files.heldOut }), target, {
    batchSize,
    length,
    onLeftOut: tellLeftOut(run),
  })
  using targetStates = new TargetStates()
  let start = await lastCheckpoint(within(folder, pretrainFolder))
  const done: Phase[] = []
  for (const [index, { loss }] of phases.entries()) {
    const phase = await distillPhase(run, { index, start, validation, targetStates })
    done.push({ loss, ...phase })
    start = within(folder, bestFolder(index))
  }
  const draft = await loadCausalLM(start, { device: target.model.device, dtype: 'f32' })
  await saveCausalLM(draft, out)
  draft.dispose()
  return { phases: done }
}

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
  const onLeftOut = once(tellLeftOut(run))
  for (;;) {
    const stored = await storedRun(checkpoints, { whole: true })
    const history = stored?.state.log_history ?? []
    if (stored) await keepBest(run, { index, stored, best: bestOf(history) })
    const isDone = stored !== null && (stored.state.global_step >= steps || hasStalled(history, patience))
    if (isDone) return { history, best: bestOf(history) }
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
        onLeftOut,
        onStep({ step, loss: value, acceptanceRate = 0, validation: figures }) {
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

/** Copies the checkpoint at hand where it is the best so far. It is the newest, as the run stops at every validation. */
async function keepBest(
  { folder, target }: Run,
  {
    index,
    stored,
    best,
  }: { index: number; stored: { checkpoint: Directory; state: { global_step: number } }; best: LogEntry | null },
): Promise<void> {
  const mark = `${bestFolder(index)}.json`
  const kept = (await folder.has(mark)) ? (JSON.parse(await folder.readText(mark)) as { step: number }).step : -1
  if (best === null || best.step === kept || stored.state.global_step !== best.step) return
  const draft = await loadCausalLM(stored.checkpoint, { device: target.model.device, dtype: 'f32' })
  await saveCausalLM(draft, within(folder, bestFolder(index)))
  draft.dispose()
  await folder.write(mark, `${JSON.stringify({ step: best.step })}\n`)
}

/** What a finished run has last. */
async function lastCheckpoint(folder: Directory): Promise<Directory> {
  const stored = await storedRun(folder)
  if (stored) return stored.checkpoint
  throw new OutriderError('FILE_MISSING', `${folder.name} has no pretrained draft.`, {
    remedy: 'Let the stage pretrain go first.',
  })
}

/** The same rows are read again at every validation; what is cut of them is said once. */
function once(tell: OnLeftOut): OnLeftOut {
  const said = new Set<string>()
  return (leftOut) => {
    if (said.has(leftOut.message)) return
    said.add(leftOut.message)
    tell(leftOut)
  }
}

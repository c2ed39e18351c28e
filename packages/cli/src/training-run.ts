import {
  type BatchOptions,
  batchesOnce,
  type DataSource,
  type LeftOut,
  rowLength,
  type Speaker,
} from '@outrider/dataset'
import {
  type KeepBestOptions,
  type LogEntry,
  resumptionWarnings,
  type TargetStates,
  type TrainingOptions,
  type TrainingResult,
} from '@outrider/training'
import { directory, type PretrainedModel, saveCausalLM } from '@outrider/transformer'
import type { Context } from './context'
import { onPolicySummary, onPolicyText } from './options/on-policy'
import { positionsOfRun, positionsText } from './options/parallel'
import { readRows } from './options/target-states'
import type { TrainingFlags } from './options/training'
import { duration, fixed } from './terminal'
import { stepProgress } from './training-progress'
import { useTuned } from './tuned'

/** What `pretrain` and `distill` share: progress, checkpoints, validation, saving, and the summary. */
export async function trainingRun(
  context: Context,
  flags: TrainingFlags,
  {
    label,
    draft,
    target,
    speaker,
    validation,
    targetStates,
    keepBest,
    train,
  }: {
    label: string
    draft: PretrainedModel
    target: Pick<Speaker, 'config'>
    /** Whose tokenizer and chat template write the held-out rows: the one that writes the training rows. */
    speaker: Speaker
    validation?: DataSource | undefined
    /** Of a run with a target to learn from: where what it says is kept. */
    targetStates?: TargetStates | undefined
    keepBest: KeepBestOptions | undefined
    train: (options: TrainingOptions & BatchOptions) => Promise<TrainingResult>
  },
): Promise<object> {
  const { terminal, signal } = context
  const {
    steps,
    batchSize,
    length,
    learningRate,
    warmup,
    accumulation,
    activationCheckpointing,
    precision,
    validateEvery,
    checkpointEvery,
    resume,
    seed,
    out,
  } = flags
  context.resume = 'The same command with --resume goes on from the last checkpoint.'
  await useTuned(context)
  // Of the rows that are learned the result says how many were not learned whole; of held-out ones the warning alone.
  const leftOut = { rows_cut: 0, rows_passed_over: 0 }
  const tell = ({ message }: LeftOut) => terminal.warn(message)
  const rows = { batchSize, length: rowLength({ target, draft }, length), seed, onLeftOut: tell }
  const heldOut = validation && (await batchesOnce(validation, speaker, rows))
  const began = performance.now()
  let progress: ReturnType<typeof stepProgress> | undefined
  let trainedTokens = 0
  let before = targetStates && { ...targetStates.figures }
  const {
    history,
    best,
    steps: done,
  } = await train({
    ...rows,
    onLeftOut(told) {
      tell(told)
      leftOut.rows_cut += told.cut
      leftOut.rows_passed_over += told.tooLong + told.unlearned
    },
    steps,
    learningRate,
    warmup,
    accumulation,
    activationCheckpointing,
    precision,
    validation: heldOut,
    validateEvery,
    keepBest,
    checkpoints: directory(out),
    checkpointEvery,
    keepCheckpoints: 2, // where the newest is damaged, the other serves
    resume,
    signal,
    onResume(resumption) {
      for (const warning of resumptionWarnings(resumption)) terminal.warn(warning)
    },
    onStep({ step, loss, acceptanceRate, tokens, validation: figures }) {
      trainedTokens = tokens
      progress ??= stepProgress(terminal, { label, steps, step, withTarget: acceptanceRate !== undefined })
      const detail = targetStates && before && readRows(targetStates.figures, before)
      before = targetStates && { ...targetStates.figures }
      progress({ step, loss, acceptanceRate, detail })
      if (figures) terminal.note(`  step ${step}, held out: ${describe(figures)}`)
    },
  })
  terminal.endProgress()
  await saveCausalLM(draft, out)
  const seconds = (performance.now() - began) / 1000
  const last = history.findLast(({ loss }) => loss !== undefined)
  const measured = best ?? history.findLast(({ eval_loss }) => eval_loss !== undefined)
  terminal.print(
    `${label}: ${done} steps in ${duration(seconds)}, loss ${fixed(last?.loss, 3)}${last?.acceptance_rate === undefined ? '' : `, α ${fixed(last.acceptance_rate, 3)}`}${measured ? `; held out: ${describe(measured)}` : ''}`,
  )
  if (best && done < steps) terminal.print(`Ended before step ${steps}: nothing was gained after step ${best.step}.`)
  if (best && best.step < done) terminal.print(`The draft is that of step ${best.step}, the best.`)
  const skipped = history.filter(({ skipped }) => skipped).length
  if (skipped > 0)
    terminal.print(
      `${skipped} of ${done} steps were skipped while the scale of the loss came down to ${last?.loss_scale}, where gradients fit in half precision.`,
    )
  if (targetStates) {
    const { computed, fromMemory, fromDirectory } = targetStates.figures
    terminal.print(
      `The target read ${computed} of ${computed + fromMemory + fromDirectory} rows; what it says of the others was kept.`,
    )
  }
  const onPolicy = onPolicySummary(history)
  if (onPolicy) terminal.print(onPolicyText(onPolicy))
  const positions = positionsOfRun(history)
  if (positions) terminal.print(`In the last tenth of the steps ${positionsText(positions)}.`)
  terminal.print(`Written to ${out}`)
  const states = targetStates && {
    target_states: {
      computed: targetStates.figures.computed,
      from_memory: targetStates.figures.fromMemory,
      from_directory: targetStates.figures.fromDirectory,
      memory_bytes: targetStates.bytes,
    },
  }
  return {
    out,
    steps: done,
    seconds,
    tokens: trainedTokens,
    ...leftOut,
    ...last,
    ...measured,
    ...(best && { best_global_step: best.step }),
    ...states,
    ...(onPolicy && { on_policy: onPolicy }),
    ...(positions && { parallel: positions }),
  }
}

function describe({ eval_loss, eval_acceptance_rate, eval_acceptance_length, eval_parallel }: LogEntry): string {
  const lengths = Object.entries(eval_acceptance_length ?? {}).map(
    ([gamma, length]) => `accepted ${fixed(length)} of ${gamma}`,
  )
  return [
    `loss ${fixed(eval_loss, 3)}`,
    eval_acceptance_rate !== undefined && `α ${fixed(eval_acceptance_rate, 3)}`,
    positionsText(eval_parallel),
    ...lengths,
  ]
    .filter(Boolean)
    .join(', ')
}

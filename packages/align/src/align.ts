import type { DataSource } from '@outrider/dataset'
import { duration } from '@outrider/evaluation'
import { OutriderError } from '@outrider/tensor'
import { type Directory, within } from '@outrider/transformer'
import { canPay, type Look } from './look/look'
import { elsewhereOf, type Plan, type Stage, stages } from './plan/plan'
import { planOf } from './plan/plan-of'
import { runFolder } from './plan/stored-plan'
import { writeReport } from './report'
import { type ResultStage, readResults, type StageResults, writeResults } from './results'
import { readSeeds } from './seeds/seed-row'
import { distillDraft } from './stages/distill'
import { keepMeasured, measureWays } from './stages/evaluate'
import { generateAnswers } from './stages/generate'
import { pretrainDraft } from './stages/pretrain'
import type { AlignEvent, Run } from './stages/run'
import { writtenDraft } from './stages/written-draft'
import { teacherElsewhere } from './teacher/elsewhere'
import { teacherHere } from './teacher/here'
import { type AlignTarget, isElsewhere, type TargetElsewhere } from './teacher/target-elsewhere'
import { verdict } from './verdict'
import { leftOutElsewhere, verdictElsewhere } from './verdict-elsewhere'
import { type CardOptions, writeCard } from './write-card'
import { ggufFile, writeGguf } from './write-gguf'

export interface AlignOptions {
  /**
   * The model that is to be sped up: loaded here, and not changed, or elsewhere, behind an engine that answers and says what it thinks
   * of answers. With the latter nothing is measured, which takes the target: `Aligned.leftOut` says what else is left out.
   */
  target: AlignTarget
  /** Where the draft is written, a Hugging Face directory; the run is in its folder `align`. */
  out: Directory
  /** Seconds that all of it may take, about. Default 1800; of a run that goes on, what it was planned with. */
  budgetSeconds?: number | undefined
  /**
   * Instructions as the target is asked in life. Where there is time for more, the target writes others itself; one that is elsewhere
   * does where its engine goes on from ids, and else they are needed.
   */
  seeds?: DataSource | undefined
  /** Plain text to pretrain on. Default: the target's own answers. */
  text?: DataSource | undefined
  /** Names of losses, one after the other. Default: `kld`, and then `tvd` where the target's authors mean it to be sampled. */
  losses?: readonly string[] | undefined
  /** Decides what is drawn, and the order of the rows. Default 0. */
  seed?: number | undefined
  /** Only this stage; those before it have to be done. */
  only?: Stage | undefined
  /** Go on where no draft can pay, too. Default false. */
  evenIfNoneCanPay?: boolean | undefined
  /** What was measured already; measured when it is left out. */
  look?: Look | undefined
  /** Write the draft as GGUF, too, for llama.cpp: `draft.gguf`, beside the directory's files. Default: where one is there already. */
  gguf?: boolean | undefined
  /** What the model card says that a run does not know by itself. */
  card?: CardOptions | undefined
  signal?: AbortSignal | undefined
  /** Told of what is being done. */
  onEvent?: ((event: AlignEvent) => void) | undefined
}

/** How a run ended. */
export interface Aligned {
  plan: Plan
  results: StageResults
  /** Whether a draft could pay here; where it could not, nothing was trained unless that was asked for. */
  canPay: boolean
  /** One sentence; null where the run has not come to measuring, or to the end of training where the target is elsewhere. */
  verdict: string | null
  /** What a run leaves out whose target is elsewhere, with why. */
  leftOut?: readonly string[] | undefined
  /** The draft as GGUF, a file of the directory, where it was written. */
  gguf?: string | undefined
}

/**
 * A chat model and a time budget in, an aligned draft out. It looks at the target, makes a plan and writes it down; lets the
 * target answer, keeps the table of its answers, makes a draft, pretrains it, aligns it, and measures what is gained. Stopped at any moment and called again with the same,
 * it goes on, and ends in the same answers, weights and tokenizer: only figures and times differ. The kernels that tuning has chosen
 * when it begins (`useTuning`) are written into the plan, and used to its end.
 *
 * @throws OutriderError INVALID_ARGUMENT where the directory holds a run for another target, or one that was asked for otherwise;
 *   ABORTED, FILE_WRITE: what is done is kept; FILE_MISSING where `only` asks for a stage before its turn; UNSUPPORTED for what takes
 *   a target that is not here; NETWORK, VOCABULARY_MISMATCH of an endpoint
 */
export async function align(options: AlignOptions): Promise<Aligned> {
  const { target, out, signal, only, onEvent = () => undefined } = options
  const tell = warnedOnce(onEvent)
  if (isElsewhere(target)) assertFit(target, options)
  const folder = within(out, runFolder)
  const users = options.seeds && (await readSeeds(options.seeds))
  const plan = await planOf(options, folder, users, tell)
  const results = await readResults(folder)
  const pays = canPay(plan.look)
  const identity = elsewhereOf(plan.target)
  const leftOut = identity && leftOutElsewhere(identity.hasEmbedding)
  for (const text of leftOut ?? []) tell({ kind: 'note', text: `Left out: ${text}.` })
  const ended = { plan, results, canPay: pays, ...(leftOut && { leftOut }) }
  if (only === 'look' || (!pays && !options.evenIfNoneCanPay)) return { ...ended, verdict: null }

  if (only) assertReached(only, results, out)
  const teacher = isElsewhere(target) ? teacherElsewhere(target) : teacherHere(target)
  const device = isElsewhere(target) ? target.device : target.model.device
  const run: Run = { target, teacher, device, out, folder, plan, signal, tell }
  const work: Record<ResultStage, () => Promise<unknown>> = {
    generate: () => generateAnswers(run, options.seeds),
    pretrain: () => pretrainDraft(run, options.text),
    distill: () => distillDraft(run),
    evaluate: () => measureWays(run, teacher.model!),
  }
  const isDue = (stage: Stage): stage is ResultStage =>
    stage !== 'look' &&
    (stage !== 'evaluate' || teacher.model !== undefined) &&
    (only === undefined ? !results[stage] : stage === only)
  for (const stage of stages.filter(isDue)) {
    tell({ kind: 'stage', stage, text: whatFor(stage, plan), seconds: plan.seconds[stage] })
    const began = performance.now()
    const found = await work[stage]()
    Object.assign(results, { [stage]: { found, seconds: (performance.now() - began) / 1000 } })
    await writeResults(folder, results)
  }
  const sentence = results.evaluate ? verdict(plan, results.evaluate.found) : verdictOf(run, results)
  const gguf = results.pretrain && results.generate && (await writeBeside(run, results, sentence, options))
  return { ...ended, verdict: sentence, ...(gguf !== undefined && { gguf }) }
}

const verdictOf = ({ teacher, plan }: Run, results: StageResults): string | null =>
  teacher.model ? null : verdictElsewhere(plan, results)

/** @throws OutriderError UNSUPPORTED for what takes more than an endpoint */
function assertFit({ chatTemplate, source }: TargetElsewhere, { only }: AlignOptions): void {
  if (only === 'evaluate')
    throw new OutriderError('UNSUPPORTED', 'The pair cannot be measured here: the target is elsewhere.', {
      remedy: 'Measure it where the target is: the end of a run says how.',
    })
  if (!chatTemplate)
    throw new OutriderError('UNSUPPORTED', `${source} has no chat template, and an endpoint answers conversations.`, {
      remedy: 'Align a model with a chat template, or have this one in memory.',
    })
}

/** What lies beside the written draft: it as GGUF, its card, its report. */
async function writeBeside(
  run: Run,
  results: StageResults,
  verdict: string | null,
  { gguf: wanted, card }: AlignOptions,
): Promise<string | undefined> {
  const draft = await writtenDraft(run)
  try {
    // One of an earlier call is of an earlier draft.
    const gguf = (wanted ?? (await run.out.has(ggufFile))) ? await writeGguf(run, draft) : undefined
    if (!run.teacher.model) await keepMeasured(run)
    await writeCard(run, results, { draft, verdict, gguf, ...card })
    if (verdict !== null) await writeReport(run, results, { draft, verdict })
    return gguf
  } finally {
    draft.dispose()
  }
}

/** Rows and checkpoints are read again and again; what is wrong with them is said once. */
function warnedOnce(tell: (event: AlignEvent) => void): (event: AlignEvent) => void {
  const said = new Set<string>()
  return (event) => {
    if (event.kind === 'warning') {
      if (said.has(event.text)) return
      said.add(event.text)
    }
    tell(event)
  }
}

function assertReached(only: Stage, results: StageResults, out: Directory): void {
  const missing = stages.slice(1, stages.indexOf(only)).find((stage) => !results[stage as ResultStage])
  if (missing)
    throw new OutriderError(
      'FILE_MISSING',
      `${out.name} has nothing of the stage ${missing} yet, which ${only} needs.`,
      {
        remedy: `Let ${missing} go first, or all stages.`,
      },
    )
}

/** What a stage of a plan does, and what it is for, in a sentence. */
export function whatFor(stage: ResultStage, plan: Plan): string {
  const { generate, kind, pretrain, distill, evaluate, asked } = plan
  const rows = generate.given * generate.temperatures.length + generate.written
  switch (stage) {
    case 'generate':
      return `the target ${kind === 'chat' ? 'answers' : 'continues'} ${rows} ${kind === 'chat' ? 'instructions' : 'beginnings'} itself: a draft learns what it will be asked to predict, and the table of them helps at once${elsewhereOf(plan.target) ? '; and says how sure it was of each token' : ''}`
    case 'pretrain':
      return `a new draft learns the language in ${pretrain.steps} steps, on ${asked.text ? 'your text' : "the target's own answers"}: that costs the draft alone`
    case 'distill':
      return `the draft learns what the target thinks of each token: ${distill.phases.map(({ loss, steps }) => `${loss}, at most ${steps} steps`).join('; then ')}`
    case 'evaluate':
      return `plain decoding, lookups, the draft, and all together answer ${evaluate.prompts} instructions that nothing was learned from, in turns`
  }
}

/** Seconds of a plan in all, and whether they are more than were asked for. */
export function planTime({ seconds, asked }: Plan): { seconds: number; text: string } {
  const whole = Object.values(seconds).reduce((a, b) => a + b, 0)
  const long = whole > 1.2 * asked.budgetSeconds
  return {
    seconds: whole,
    text: long
      ? `about ${duration(whole)}, more than the ${duration(asked.budgetSeconds)} that were asked for: less makes no draft here`
      : `about ${duration(whole)}`,
  }
}

import { type DataSource, promptOf } from '@outrider/dataset'
import { duration } from '@outrider/evaluation'
import { lossByName } from '@outrider/losses'
import { OutriderError } from '@outrider/tensor'
import { contentHash, type Directory, modelIdentity, type PretrainedModel, within } from '@outrider/transformer'
import { canPay, type Look, look } from './look/look'
import { makePlan } from './plan/make-plan'
import { type Asked, type Plan, type PlannedTarget, type Stage, stages } from './plan/plan'
import { assertSamePlan, readPlan, runFolder, writePlan } from './plan/stored-plan'
import { writeReport } from './report'
import { type ResultStage, readResults, type StageResults, writeResults } from './results'
import { ownOpenings } from './seeds/openings'
import { readSeeds, type SeedRow } from './seeds/seed-row'
import { distillDraft } from './stages/distill'
import { measureWays } from './stages/evaluate'
import { generateAnswers } from './stages/generate'
import { pretrainDraft } from './stages/pretrain'
import type { AlignEvent, Run } from './stages/run'
import { writtenDraft } from './stages/written-draft'
import { verdict } from './verdict'
import { type CardOptions, writeCard } from './write-card'
import { ggufFile, writeGguf } from './write-gguf'

export interface AlignOptions {
  /** The model that is to be sped up. It is not changed. */
  target: PretrainedModel
  /** Where the draft is written, a Hugging Face directory; the run is in its folder `align`. */
  out: Directory
  /** Seconds that all of it may take, about. Default 1800; of a run that goes on, what it was planned with. */
  budgetSeconds?: number | undefined
  /** Instructions as the target is asked in life. Where there is time for more, the target writes others itself. */
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
  /** One sentence; null where the run has not come to measuring. */
  verdict: string | null
  /** The draft as GGUF, a file of the directory, where it was written. */
  gguf?: string | undefined
}

/**
 * A chat model and a time budget in, an aligned draft out. It looks at the target, makes a plan and writes it down; lets the
 * target answer, keeps the table of its answers, makes a draft, pretrains it, aligns it, and measures what is gained. Stopped at any moment and called again with the same,
 * it goes on, and ends in the same answers, weights and tokenizer: only figures and times differ.
 *
 * @throws OutriderError INVALID_ARGUMENT where the directory holds a run for another target, or one that was asked for otherwise;
 *   ABORTED, FILE_WRITE: what is done is kept; FILE_MISSING where `only` asks for a stage before its turn
 */
export async function align(options: AlignOptions): Promise<Aligned> {
  const { target, out, signal, only, onEvent = () => undefined } = options
  const tell = warnedOnce(onEvent)
  const folder = within(out, runFolder)
  const users = options.seeds && (await readSeeds(options.seeds))
  const plan = await planOf(options, folder, users, tell)
  const results = await readResults(folder)
  const pays = canPay(plan.look)
  if (only === 'look' || (!pays && !options.evenIfNoneCanPay)) return { plan, results, canPay: pays, verdict: null }

  if (only) assertReached(only, results, out)
  const run: Run = { target, out, folder, plan, signal, tell }
  const work: Record<ResultStage, () => Promise<unknown>> = {
    generate: () => generateAnswers(run, options.seeds),
    pretrain: () => pretrainDraft(run, options.text),
    distill: () => distillDraft(run),
    evaluate: () => measureWays(run),
  }
  for (const stage of stages) {
    if (stage === 'look' || (only === undefined ? results[stage] : stage !== only)) continue
    tell({ kind: 'stage', stage, text: whatFor(stage, plan), seconds: plan.seconds[stage] })
    const began = performance.now()
    const found = await work[stage]()
    Object.assign(results, { [stage]: { found, seconds: (performance.now() - began) / 1000 } })
    await writeResults(folder, results)
  }
  const sentence = results.evaluate ? verdict(plan, results.evaluate.found) : null
  const gguf = results.pretrain && results.generate && (await writeBeside(run, results, sentence, options))
  return { plan, results, canPay: pays, verdict: sentence, ...(gguf !== undefined && { gguf }) }
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

/** The plan that was written, if it is of the same run; else a new one, written down. */
async function planOf(
  { target, out, text, look: looked, signal, ...options }: AlignOptions,
  folder: Directory,
  users: readonly SeedRow[] | undefined,
  tell: (event: AlignEvent) => void,
): Promise<Plan> {
  const planned: PlannedTarget = {
    name: target.source,
    identity: JSON.parse(JSON.stringify(await modelIdentity(target))),
    fingerprint: target.tokenizer.fingerprint,
  }
  const seeds = users && (await contentHash(users))
  const { budgetSeconds, seed, losses } = options
  for (const name of losses ?? []) lossByName(name)
  const known = await readPlan(folder)
  if (known) {
    assertSamePlan(out.name, known, planned, {
      budgetSeconds,
      seed,
      ...(losses && { losses: [...losses] }),
      ...(seeds && { seeds }),
      ...(known.asked.text && !(await readResults(folder)).pretrain && { text: text !== undefined }),
    })
    tell({ kind: 'plan', plan: known, known: true })
    return known
  }
  const asked: Asked = {
    budgetSeconds: budgetSeconds ?? 1800,
    seed: seed ?? 0,
    losses: losses ? [...losses] : usualLosses(target),
    seeds: seeds ?? null,
    text: text !== undefined,
  }
  const kind = target.chatTemplate ? 'chat' : 'text'
  if (users?.length === 0)
    throw new OutriderError('INVALID_ARGUMENT', 'The seeds have no instruction.', {
      remedy: 'Give rows with messages, a prompt, an instruction or turns; or no seeds, for those that come with it.',
    })
  tell({ kind: 'stage', stage: 'look', text: 'what passes cost here, and what a draft could bring', seconds: null })
  const all = [...(users ?? []), ...ownOpenings(lookedAt, kind)]
  const lengths = all
    .slice(0, measuredPrompts)
    .map(({ messages }) => promptOf(target, messages).length)
    .sort((a, b) => a - b)
  const prompts = all.slice(0, lookedAt).map(({ messages }) => promptOf(target, messages))
  const onMeasure = (what: string) => tell({ kind: 'note', text: `  measuring ${what}` })
  const seen = looked ?? (await look(target, { prompts, budgetSeconds: asked.budgetSeconds, signal, onMeasure }))
  const { contextLength } = target.config
  const promptTokens = {
    mean: lengths.reduce((sum, length) => sum + length, 0) / lengths.length,
    most: lengths[Math.floor(0.9 * (lengths.length - 1))]!,
  }
  const given = users?.length ?? 0
  const plan = makePlan({ target: planned, asked, look: seen, kind, contextLength, given, promptTokens })
  await writePlan(folder, plan)
  tell({ kind: 'plan', plan, known: false })
  return plan
}

/** Prompts that are answered for the look: as many as are answered side by side later. */
const lookedAt = 16

/** Prompts whose lengths are looked at. */
const measuredPrompts = 500

/** TVD adds to acceptance where answers are sampled, and nothing where they are not. */
const usualLosses = ({ generationConfig: { doSample, temperature } }: PretrainedModel): string[] =>
  doSample === true || (temperature !== undefined && temperature > 0) ? ['kld', 'tvd'] : ['kld']

/** What a stage of a plan does, and what it is for, in a sentence. */
export function whatFor(stage: ResultStage, { generate, kind, pretrain, distill, evaluate, asked }: Plan): string {
  const rows = generate.given * generate.temperatures.length + generate.written
  switch (stage) {
    case 'generate':
      return `the target ${kind === 'chat' ? 'answers' : 'continues'} ${rows} ${kind === 'chat' ? 'instructions' : 'beginnings'} itself: a draft learns what it will be asked to predict, and the table of them helps at once`
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

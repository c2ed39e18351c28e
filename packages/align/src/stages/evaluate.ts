import { jsonl } from '@outrider/dataset'
import {
  allTasks,
  type Contender,
  type EvaluationFigures,
  type EvaluationRow,
  measureInTurns,
  readPrompts,
} from '@outrider/evaluation'
import {
  AnswerTable,
  answerLookup,
  type Drafter,
  firstOf,
  modelDrafter,
  promptLookup,
  SpeculativeDecoder,
} from '@outrider/speculative'
import type { PretrainedModel } from '@outrider/transformer'
import { readSeeds, seedLines } from '../seeds/seed-row'
import { spreadOverTasks } from '../seeds/spread'
import { files, type Run } from './run'
import { lengthsAt, type Way, ways } from './ways'
import { writtenDraft } from './written-draft'

/** Figures by way, task, temperature and draft length. */
export interface Measured {
  rows: (EvaluationRow & { draft: Way })[]
}

/**
 * What is gained on instructions that nothing was learned from: plain decoding, lookups, the draft alone, lookups and table,
 * and all together, in turns, so that a machine's drift strikes them alike. Each as it is used, with γ 'auto'; and greedily with
 * the plan's γ, too, which says how good the drafts are wherever they are verified.
 */
export async function measureWays(run: Run, target: PretrainedModel): Promise<Measured> {
  const { folder, plan, signal, tell } = run
  const { maxTokens, temperatures } = plan.evaluate
  const { draftLength, look } = plan
  await keepMeasured(run)
  const prompts = await readPrompts(jsonl({ directory: folder, file: files.measured }), target)
  const draft = await writtenDraft(run)
  try {
    const costs = look.candidates.find(({ shape }) => JSON.stringify(shape) === JSON.stringify(plan.draft))?.costs
    const table = await writtenTable(run)
    const contendersAt = (temperature: number) =>
      lengthsAt(temperature, draftLength).flatMap((length) =>
        Object.entries(draftersOf(table, draft, length)).map(([way, drafter]) => ({
          way: way as Way,
          ...({ draft: drafter, draftLength: length, ...(costs && { costs }) } satisfies Contender),
        })),
      )
    const answers = temperatures.reduce((sum, temperature) => sum + 1 + contendersAt(temperature).length, 0)
    const total = answers * prompts.length
    const rows: Measured['rows'] = []
    let done = 0
    for (const temperature of temperatures) {
      const sampling = { temperature, topP: temperature === 0 ? 1 : 0.9, seed: plan.asked.seed }
      const { [ways.all]: drafter } = draftersOf(table, draft, 'auto')
      await new SpeculativeDecoder({ target, drafter }).warmUp({ ...sampling, signal })
      const onAnswer = () => tell({ kind: 'progress', label: 'evaluate', done: ++done, total, unit: 'answers' })
      const contenders = contendersAt(temperature)
      const measured = await measureInTurns({ target, prompts, sampling, maxTokens, signal, onAnswer }, contenders)
      for (const [i, { way, draftLength }] of contenders.entries())
        for (const [task, figures] of measured[i]!)
          rows.push({ ...figures, draft: way, task, draftLength, temperature })
    }
    return { rows }
  } finally {
    draft.dispose()
  }
}

/** Writes down the instructions to measure on: of what is held out as many as are planned, of all tasks. */
export async function keepMeasured({ folder, plan }: Pick<Run, 'folder' | 'plan'>): Promise<void> {
  const heldOut = await readSeeds(jsonl({ directory: folder, file: files.heldOutSeeds }))
  const measured = spreadOverTasks(heldOut, plan.evaluate.prompts, ({ category }) => category)
  await folder.write(files.measured, seedLines(measured))
}

/** Before others and with a fixed γ a match of one token is no draft: what follows one is accepted less often than what they draft. */
function draftersOf(
  table: AnswerTable,
  { model }: PretrainedModel,
  draftLength: number | 'auto',
): Record<Way, Drafter> {
  const before = [promptLookup({ minNgram: draftLength === 'auto' ? 1 : 2 }), answerLookup(table)]
  return {
    [ways.lookup]: promptLookup(),
    [ways.draft]: modelDrafter(model),
    [ways.table]: firstOf(...before),
    [ways.all]: firstOf(...before, modelDrafter(model)),
  }
}

const writtenTable = async ({ target, out }: Run): Promise<AnswerTable> =>
  AnswerTable.fromBytes(await out.read(AnswerTable.usualFile), target.tokenizer, {
    where: `${out.name}/${AnswerTable.usualFile}`,
  })

/** A way's figures over all tasks, at a draft length and temperature. */
export const figuresOfWay = (
  { rows }: Measured,
  way: Way,
  { draftLength = 'auto', temperature = 0 }: { draftLength?: number | 'auto'; temperature?: number } = {},
): EvaluationFigures =>
  rows.find(
    (row) =>
      row.draft === way && row.task === allTasks && row.draftLength === draftLength && row.temperature === temperature,
  )!

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
import { files, type Run } from './run'
import { writtenDraft } from './written-draft'

/** Ways of drafting, by what they are called in tables; the last is all together. */
export const ways = {
  lookup: 'lookup',
  draft: 'draft',
  table: 'lookup+table',
  all: 'lookup+table+draft',
} as const
export type Way = (typeof ways)[keyof typeof ways]

/** Figures by way, task and temperature. */
export interface Measured {
  rows: (EvaluationRow & { draft: Way })[]
}

/**
 * What is gained on instructions that nothing was learned from: plain decoding, lookups, the draft alone, lookups and table,
 * and all together, in turns, so that a machine's drift strikes them alike.
 */
export async function measureWays(run: Run): Promise<Measured> {
  const { target, folder, plan, signal, tell } = run
  const { prompts: count, maxTokens, temperatures } = plan.evaluate
  const { draftLength, look } = plan
  const read = await readPrompts(jsonl({ directory: folder, file: files.heldOutSeeds }), target)
  const prompts = read.slice(0, count)
  const draft = await writtenDraft(run)
  try {
    const costs = look.candidates.find(({ shape }) => JSON.stringify(shape) === JSON.stringify(plan.draft))?.costs
    const drafters = await draftersOf(run, draft)
    const contenders = Object.values(drafters).map(
      (drafter): Contender => ({ draft: drafter, draftLength, ...(costs && { costs }) }),
    )
    const total = temperatures.length * prompts.length * (1 + contenders.length)
    const rows: Measured['rows'] = []
    let done = 0
    for (const temperature of temperatures) {
      const sampling = { temperature, topP: temperature === 0 ? 1 : 0.9, seed: plan.asked.seed }
      await new SpeculativeDecoder({ target, drafter: drafters[ways.all], draftLength }).warmUp({ ...sampling, signal })
      const onAnswer = () => tell({ kind: 'progress', label: 'evaluate', done: ++done, total, unit: 'answers' })
      const measured = await measureInTurns({ target, prompts, sampling, maxTokens, signal, onAnswer }, contenders)
      for (const [i, way] of (Object.keys(drafters) as Way[]).entries())
        for (const [task, figures] of measured[i]!)
          rows.push({ ...figures, draft: way, task, draftLength, temperature })
    }
    return { rows }
  } finally {
    draft.dispose()
  }
}

/** Before others a match of one token is no draft: what follows one is accepted less often than what they draft. */
async function draftersOf({ target, out }: Run, { model }: PretrainedModel): Promise<Record<Way, Drafter>> {
  const table = AnswerTable.fromBytes(await out.read(AnswerTable.usualFile), target.tokenizer, {
    where: `${out.name}/${AnswerTable.usualFile}`,
  })
  const before = [promptLookup({ minNgram: 2 }), answerLookup(table)]
  return {
    [ways.lookup]: promptLookup(),
    [ways.draft]: modelDrafter(model),
    [ways.table]: firstOf(...before),
    [ways.all]: firstOf(...before, modelDrafter(model)),
  }
}

/** A way's figures over all tasks, at a temperature. */
export const figuresOfWay = ({ rows }: Measured, way: Way, temperature = 0): EvaluationFigures =>
  rows.find((row) => row.draft === way && row.task === allTasks && row.temperature === temperature)!

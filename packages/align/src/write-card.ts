import { allTasks } from '@outrider/evaluation'
import { AnswerTable } from '@outrider/speculative'
import { heldOutFigure } from '@outrider/training'
import { type PretrainedModel, parameterCount } from '@outrider/transformer'
import { byTask } from './by-task'
import { type CardFacts, modelCard, modelCardFile, type Origin } from './card/index'
import { shellWord } from './card/write'
import { elsewhereOf, type Plan } from './plan/plan'
import { measuredPath } from './plan/stored-plan'
import type { StageResults } from './results'
import type { Run } from './stages/run'

/** What a card says that a run does not know by itself. */
export interface CardOptions {
  /** Where the target comes from, and on which terms (`readOrigin`). */
  origin?: Origin | undefined
  /** What makes the draft again: lines for a shell. Default: `outrider align` with what was asked for. */
  madeBy?: readonly string[] | undefined
}

/** What it is told of the draft that was written. */
interface Written extends CardOptions {
  draft: PretrainedModel
  /** Null where nothing was measured yet. */
  verdict: string | null
  /** Its file, where it was written as GGUF, too. */
  gguf?: string | undefined
}

/** Writes the model card of a draft beside it, with what is known of the run so far. */
export async function writeCard(
  run: Run,
  results: StageResults,
  { draft, verdict, gguf, origin, madeBy }: Written,
): Promise<void> {
  const { target, device, out, plan } = run
  const { generate, pretrain, distill, evaluate } = results
  if (!pretrain || !generate) return
  const { layers, hiddenSize, vocabularySize, coveredIds } = draft.config
  const facts: CardFacts = {
    name: `A draft for ${plan.target.name.split(/[/\\]/).at(-1)}`,
    place: out.name,
    target: { source: plan.target.name, parameters: parameterCount(target.config), origin },
    draft: {
      parameters: draft.model.parameterCount,
      layers,
      hiddenSize,
      vocabularySize,
      covered: coveredIds?.length,
    },
    data: {
      instructions: instructionsText(run),
      answers: generate.found.rows,
      answerTokens: generate.found.tokens,
      temperatures: plan.generate.given > 0 ? plan.generate.temperatures : plan.generate.temperatures.slice(0, 1),
      text: plan.asked.text ? 'text of the user' : "the target's own answers",
    },
    training: [
      {
        name: 'pretrain',
        loss: 'cross-entropy',
        steps: plan.pretrain.steps,
        tokens: pretrain.found.positions,
        finalLoss: pretrain.found.history.findLast(({ loss }) => loss !== undefined)?.loss,
      },
      ...(distill?.found.phases ?? []).map(({ loss, history, best, positions }) => ({
        name: 'distill',
        loss: best
          ? `${loss}, held-out τ ${heldOutFigure(best, 'acceptance-length')!.toFixed(2)} at step ${best.step}`
          : loss,
        steps: history.at(-1)?.step ?? 0,
        tokens: positions,
        finalLoss: history.findLast((entry) => entry.loss !== undefined)?.loss,
      })),
    ],
    figures: (evaluate?.found.rows ?? [])
      .filter(({ task }) => task === allTasks)
      .map(({ draft: way, ...row }) => ({ ...row, way, asked: 'held-out instructions of all tasks' })),
    byTask: evaluate && byTask(evaluate.found),
    adapter: device.adapterName + (device.isSoftware ? ', software' : ''),
    measuredBy: [
      `outrider evaluate --target ${shellWord(plan.target.name)} --draft lookup+${shellWord(out.name)} --prompts ${shellWord(`${out.name}/${measuredPath}`)} --draft-length ${plan.draftLength} --max-tokens ${plan.evaluate.maxTokens}`,
    ],
    madeBy: madeBy ?? [madeByOf(run, gguf !== undefined)],
    verdict: verdict ?? undefined,
    draftLength: plan.draftLength,
    hasAnswers: await out.has(AnswerTable.usualFile),
    gguf,
  }
  await out.write(modelCardFile, modelCard(facts))
}

function instructionsText({ plan: { generate, kind } }: Run): string {
  const what = kind === 'chat' ? 'instructions' : 'beginnings of texts'
  const ours = `${generate.written} ${what} ${generate.writtenBy === 'target' ? 'that the target wrote itself' : 'of ours, by task'}`
  if (generate.given === 0) return ours
  const users = `${generate.given} of the user, each at ${generate.temperatures.length} temperatures`
  return generate.written === 0 ? users : `${users}; ${ours}`
}

/** Where an engine is served is nobody's business but its user's. */
const elsewhere = (target: Plan['target']): string[] => {
  const identity = elsewhereOf(target)
  return identity ? [`--endpoint URL --model ${shellWord(identity.endpoint)} --top ${identity.topTokens}`] : []
}

const madeByOf = ({ plan: { target, asked }, out }: Run, withGguf: boolean): string =>
  [
    `outrider align --target ${shellWord(target.name)} --out ${shellWord(out.name)}`,
    ...elsewhere(target),
    `--budget ${asked.budgetSeconds}s --loss ${asked.losses.join(',')} --seed ${asked.seed}`,
    ...(asked.seeds === null ? [] : ['--seeds seeds.jsonl']),
    ...(asked.text ? ['--text text.txt'] : []),
    ...(withGguf ? ['--gguf'] : []),
  ].join(' ')

import {
  AnswerTable,
  answerLookup,
  type Drafter,
  firstOf,
  modelDrafter,
  promptLookup,
  type Target,
} from '@outrider/speculative'
import type { PretrainedModel } from '@outrider/transformer'
import type { Session } from '../session'
import type { ChatSettings } from './settings'

/** What drafts now. Two are the same if `identity` is; their steps cost the same if `steps` is. */
export interface CurrentDrafter {
  name: string
  drafter: Target | Drafter
  identity: object
  steps: object
}

const lookup = promptLookup()

/** What has been made before a model, or before nothing, by what is looked up in. */
const made = new WeakMap<object, Map<string, { answers: AnswerTable | undefined; drafter: Drafter }>>()

/** What each target answered in this tab, after what a table of it had that was there. */
const learnt = new WeakMap<PretrainedModel, AnswerTable>()

/** Tokens of answers that are kept: a megabyte of memory. */
const capacity = 2 ** 16

export function currentDrafter(
  { draft, target }: Pick<Session, 'draft' | 'target'>,
  { lookUpFirst, learnFromAnswers }: Pick<ChatSettings, 'lookUpFirst' | 'learnFromAnswers'>,
): CurrentDrafter {
  const answers = learnFromAnswers && target ? answersOf(target) : undefined
  if (!draft && !answers) return { name: 'prompt lookup', drafter: lookup, identity: lookup, steps: lookup }
  if (draft && !lookUpFirst && !answers)
    return { name: draft.name, drafter: draft.model, identity: draft.model, steps: draft.model }
  const looksUp = lookUpFirst || !draft
  const name = [...(looksUp ? ['prompt lookup'] : []), ...(answers ? ['answers'] : []), ...(draft ? [draft.name] : [])]
  const parts = () => [
    // With a number for γ what is found is taken, so one equal token is not enough.
    ...(looksUp ? [promptLookup({ minNgram: 2 })] : []),
    ...(answers ? [answerLookup(answers)] : []),
    ...(draft ? [modelDrafter(draft.model.model)] : []),
  ]
  const key = `${looksUp} ${answers !== undefined}`
  const known: NonNullable<ReturnType<typeof made.get>> = made.get(draft?.model ?? target!) ?? new Map()
  made.set(draft?.model ?? target!, known)
  const before = known.get(key)
  const drafter = before && before.answers === answers ? before.drafter : firstOf(...parts())
  known.set(key, { answers, drafter })
  return { name: name.join(', else '), drafter, identity: drafter, steps: draft?.model ?? lookup }
}

/** What a target answered is drafted from then on, where answers are learnt from. */
export function learn(target: PretrainedModel, tokens: readonly number[]): void {
  answersOf(target).add(tokens)
}

/** A table of what a target answered elsewhere is drafted from, where answers are learnt from; it learns on. */
export function learnTable(target: PretrainedModel, table: AnswerTable): void {
  learnt.set(target, table)
}

function answersOf(target: PretrainedModel): AnswerTable {
  const table = learnt.get(target) ?? new AnswerTable(target.tokenizer, { capacity })
  learnt.set(target, table)
  return table
}

import { OutriderError } from '@outrider/tensor'
import { type Directory, readJson } from '@outrider/transformer'
import { type Asked, elsewhereOf, type Plan, type PlannedTarget } from './plan'

/** The folder of a run inside the directory of its draft, and the plan in it. */
export const runFolder = 'align'
export const planFile = 'align.json'
/** Instructions that nothing was learned from, to measure on, in the directory of the draft. */
export const measuredPath = `${runFolder}/measured.jsonl`

const format = 'outrider align'
const version = 1

/** Writes the plan down, whole or not at all. */
export const writePlan = (run: Directory, plan: Plan): Promise<void> =>
  run.write(planFile, `${JSON.stringify({ format, version, ...plan }, null, 2)}\n`)

/**
 * The plan of a run that has begun; null where none has.
 *
 * @throws OutriderError FILE_FORMAT where it is no plan, or of another version
 */
export async function readPlan(run: Directory): Promise<Plan | null> {
  if (!(await run.has(planFile))) return null
  const json = (await readJson(run, planFile)) as (Plan & { format?: unknown; version?: unknown }) | null
  const isPlan = json?.format === format && json.target && json.asked && json.look && json.seconds && json.distill
  if (isPlan && json.version === version) return json
  throw new OutriderError(
    'FILE_FORMAT',
    isPlan
      ? `${run.name}/${planFile} has version ${JSON.stringify(json.version)}; this one follows ${version}.`
      : `${run.name}/${planFile} is no plan of a run.`,
    { remedy: 'Go on with the version of Outrider that wrote it, or align into another directory.' },
  )
}

/**
 * Makes sure that a run goes on as the one that it was begun as.
 *
 * @throws OutriderError INVALID_ARGUMENT, which says what is another
 */
export function assertSamePlan(
  where: string,
  plan: Plan,
  target: PlannedTarget,
  asked: { [Key in keyof Asked]?: Asked[Key] | undefined },
): void {
  const refuse = (what: string) => {
    throw new OutriderError('INVALID_ARGUMENT', `${where} holds a run ${what}.`, {
      remedy: 'Go on with what it was begun with, or align into another directory.',
    })
  }
  const [there, now] = [elsewhereOf(plan.target), elsewhereOf(target)]
  if (there && now && there.topTokens !== now.topTokens)
    refuse(`of ${there.topTokens} tokens a place, not ${now.topTokens}`)
  if (there && now && there.hasEmbedding !== now.hasEmbedding)
    refuse(`that was begun ${there.hasEmbedding ? 'with' : 'without'} the target's weights at hand`)
  if (plan.target.fingerprint !== target.fingerprint || !same(plan.target.identity, target.identity))
    refuse(`for another target: ${plan.target.name}`)
  const was = plan.asked
  if (asked.budgetSeconds !== undefined && asked.budgetSeconds !== was.budgetSeconds)
    refuse(`that was planned for ${was.budgetSeconds} seconds, not ${asked.budgetSeconds}`)
  if (asked.seed !== undefined && asked.seed !== was.seed) refuse(`of the seed ${was.seed}, not ${asked.seed}`)
  if (asked.losses && !same(asked.losses, was.losses))
    refuse(`with the loss ${was.losses.join(', then ')}, not ${asked.losses.join(', then ')}`)
  if (asked.seeds && asked.seeds !== was.seeds) refuse('of other instructions')
  if (asked.text !== undefined && asked.text !== was.text)
    refuse(was.text ? 'that was begun with text, and now there is none' : 'that was begun without text')
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b)

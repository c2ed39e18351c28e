import { costRatio, LookupGain, measureCosts, modelDrafter, type StepCosts } from '@outrider/speculative'
import {
  type CausalLM,
  loadCausalLM,
  type OpenedModel,
  openCausalLM,
  type PretrainedModel,
  resolveSampling,
  throwIfAborted,
} from '@outrider/transformer'
import type { Context } from '../../context'
import { openModel } from '../../models'
import { type Candidate, findCandidates, realPlace } from './candidates'
import { draftRuns } from './draft-runs'
import { bestGain, type Gain } from './expected-gain'
import { type Examined, examine, type Obstacle, obstacleOf } from './obstacle'
import { printDrafts } from './print-drafts'
import { prompts } from './prompts'
import { type TargetAnswer, targetAnswers } from './target-answers'

/** A draft, and what it would gain. */
export interface DraftFound extends Gain {
  name: string
  parameters: number
  /** α: how often it says what the model says. */
  acceptanceRate: number
  /** c: a step of it over a pass of the model. */
  costRatio: number
}

/** A model that cannot draft. */
export type NoDraft = { name: string } & Obstacle

export interface DraftsFound {
  model: string
  /** The places that were looked through. */
  places: readonly string[]
  /** What it would gain most of comes first. */
  drafts: DraftFound[]
  others: NoDraft[]
  /** Speed-up of prompt lookup, which needs no draft, in the same answers; null where nothing was measured. */
  lookupSpeedUp: number | null
}

/**
 * What of the Hub's cache and of some directories can draft for a model, and what it would gain: the model answers ten prompts
 * once, greedily, each draft reads the answers, and costs are measured.
 */
export async function findDraft(
  context: Context,
  { model, directories }: { model: string; directories: readonly string[] },
): Promise<object> {
  const { terminal, signal } = context
  const { candidates, places } = await findCandidates(directories)
  const header = await openCausalLM(model, { signal, onWarning: context.onWarning })
  const examined = await examineAll(context, await without(model, candidates), header)
  const able = examined.filter((one) => 'parameters' in one)
  const others = examined.flatMap((one) => ('obstacle' in one ? [{ name: one.name, ...one.obstacle }] : []))
  const found: DraftsFound = { model, places, drafts: [], others, lookupSpeedUp: null }
  if (able.length > 0) {
    const measured: Measured[] = []
    const target = await openModel(context, model, 'model')
    const answers = await targetAnswers(target, prompts, { terminal, signal })
    const progress = terminal.progress({ label: 'measure', total: able.length, unit: 'drafts' })
    for (const [i, candidate] of able.entries()) {
      progress.update(i, candidate.name)
      throwIfAborted(signal)
      try {
        measured.push({ candidate, ...(await measure(candidate, { target, answers, signal })) })
      } catch (error) {
        found.others.push({ name: candidate.name, ...obstacleOf(candidate, error) })
      }
    }
    terminal.endProgress()
    if (measured.length > 0) {
      const passes = undisturbed(measured.map(({ costs }) => costs))
      found.drafts = measured.map((one) => draftFound(one, passes)).sort((a, b) => b.speedUp - a.speedUp)
      found.lookupSpeedUp = lookupSpeedUp(answers, { draftSeconds: 0, targetSeconds: passes })
    }
  }
  printDrafts(terminal, found)
  return inJson(found)
}

/** A model is no draft for itself. */
async function without(model: string, candidates: readonly Candidate[]): Promise<Candidate[]> {
  const itself = await realPlace({ name: model, place: model })
  const places = await Promise.all(candidates.map(realPlace))
  return candidates.filter(({ name }, i) => places[i] !== itself && name !== model)
}

async function examineAll(
  { terminal, signal }: Context,
  candidates: readonly Candidate[],
  target: OpenedModel,
): Promise<Examined[]> {
  const progress = terminal.progress({ label: 'look at', total: candidates.length, unit: 'models' })
  const examined: Examined[] = []
  for (const candidate of candidates) {
    throwIfAborted(signal)
    progress.update(examined.length, candidate.name)
    examined.push(await examine(candidate, target, { signal }))
  }
  terminal.endProgress()
  return examined
}

interface Measured {
  candidate: Candidate & { parameters: number }
  /** How much of what it would draft the model says, of each answer. */
  runs: number[][]
  costs: StepCosts
}

/** Loads a draft, reads the answers with it, and measures what it costs; its memory is freed again. */
async function measure(
  { place, file }: Candidate,
  options: { target: PretrainedModel<CausalLM>; answers: readonly TargetAnswer[]; signal: AbortSignal },
): Promise<Omit<Measured, 'candidate'>> {
  const { target, answers, signal } = options
  const { device } = target.model
  const { model } = await loadCausalLM(place, { device, file, signal, onWarning: () => undefined })
  try {
    const runs: number[][] = []
    for (const answer of answers) runs.push(await draftRuns(model, answer, signal))
    const drafter = modelDrafter(model)
    const costs = await measureCosts({ target: target.model, drafter, sampling: resolveSampling({}), signal })
    return { runs, costs }
  } finally {
    model.dispose()
  }
}

/** The model's passes were measured beside each draft: what disturbs the machine only ever adds to them. */
const undisturbed = (all: readonly StepCosts[]): StepCosts['targetSeconds'] =>
  all[0]!.targetSeconds.map(({ rows }, i) => ({
    rows,
    seconds: Math.min(...all.map(({ targetSeconds }) => targetSeconds[i]!.seconds)),
  }))

function draftFound(
  { candidate: { name, parameters }, runs, costs: measured }: Measured,
  targetSeconds: StepCosts['targetSeconds'],
): DraftFound {
  const costs = { ...measured, targetSeconds }
  const all = runs.flat()
  const acceptanceRate = all.length === 0 ? 0 : all.filter((run) => run > 0).length / all.length
  const gain = bestGain(runs, costs)
  return { name, parameters, acceptanceRate, costRatio: costRatio(costs, gain.draftLength), ...gain }
}

function lookupSpeedUp(answers: readonly TargetAnswer[], costs: StepCosts): number | null {
  const gain = new LookupGain({ costs })
  for (const { prompt, answer } of answers) gain.add(prompt, answer)
  return gain.speedUp
}

const inJson = ({ places, drafts, others, lookupSpeedUp }: DraftsFound) => ({
  places,
  prompts: prompts.length,
  drafts: drafts.map((draft) => ({
    draft: draft.name,
    parameters: draft.parameters,
    acceptance_rate: draft.acceptanceRate,
    cost_ratio: draft.costRatio,
    draft_length: draft.draftLength,
    block_efficiency: draft.blockEfficiency,
    expected_speed_up: draft.speedUp,
  })),
  no_drafts: others.map(({ name, code, why }) => ({ model: name, code, why })),
  lookup_speed_up: lookupSpeedUp,
})

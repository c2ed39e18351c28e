import { generateDataset, jsonl, rows, scoreDataset } from '@outrider/dataset'
import type { StepCosts } from '@outrider/speculative'
import { draftConfig, memoryDirectory, parameterCount } from '@outrider/transformer'
import type { SeedRow } from '../seeds/seed-row'
import { type TargetElsewhere, usualTopTokens } from '../teacher/target-elsewhere'
import { ceilings } from './ceiling'
import { firstIds } from './draft-costs'
import { candidateShapes, type DraftShape, shapeOptions } from './draft-shape'
import type { Candidate, Look } from './look'
import { pretrainingTime } from './training-time'

/** Answers that are looked at, and tokens of one: so many that what it takes to begin is little of it, where there is time for that. */
const looked = (budgetSeconds: number) => (budgetSeconds < 60 ? { answers: 4, tokens: 8 } : { answers: 16, tokens: 48 })

/**
 * What decides a run with a target that is elsewhere: the rate at which its engine answers and says what it thinks of answers, and
 * what a position of training costs here. What passes cost there is not measured: drafts are compared by c, the ratio of parameters,
 * as where memory is what limits an engine (MBSU = τ / (1 + c γ)).
 *
 * @param options.seeds          instructions to answer
 * @param options.maxTokens      tokens of an answer at most
 * @param options.budgetSeconds  seconds that all of the run may take: with fewer less is asked. Default 1800
 * @throws OutriderError what asking throws; ABORTED
 */
export async function lookElsewhere(
  target: TargetElsewhere,
  {
    seeds,
    maxTokens,
    budgetSeconds = 1800,
    signal,
    onMeasure = () => undefined,
  }: {
    seeds: readonly SeedRow[]
    maxTokens: number
    budgetSeconds?: number | undefined
    signal?: AbortSignal | undefined
    onMeasure?: ((what: string) => void) | undefined
  },
): Promise<Look> {
  const began = performance.now()
  const { config, endpoint, concurrency = 16, topTokens: k = usualTopTokens, maxFailed, device } = target
  const targetParameters = parameterCount(config)
  const out = memoryDirectory()
  const answers = { directory: out, file: 'answers.jsonl' }
  onMeasure('answers of the endpoint, and what it thinks of them')
  const most = looked(budgetSeconds)
  const asked = seeds
    .slice(0, most.answers)
    .map(({ messages }) => ({ kind: 'conversation' as const, messages, metadata: {} }))
  let [tokens, seconds] = [0, 0]
  // The first alone, of which the time says how long the engine takes to begin.
  for (const part of [asked.slice(0, 1), asked.slice(1)].filter(({ length }) => length > 0)) {
    const begun = performance.now()
    await generateDataset({
      target: endpoint,
      seeds: rows(part, 'instructions'),
      temperatures: [0.7],
      maxTokens: Math.min(maxTokens, most.tokens),
      batchSize: concurrency,
      maxFailed,
      out: answers,
      signal,
      onProgress: (state) => {
        tokens = state.tokens
      },
    })
    await scoreDataset({ target: endpoint, speaker: target, data: jsonl(answers), out, k, concurrency, signal })
    seconds = (performance.now() - begun) / 1000
  }
  onMeasure('steps of training')
  const shapes = candidateShapes(config)
  const draftPositionSeconds = await pretrainingTime(target, shapes[0]!, { device, signal })
  return {
    adapter: device.adapterName,
    targetBytes: 0,
    targetParameters,
    candidates: shapes.map((shape) => candidate(target, shape, targetParameters)),
    answerTokenSeconds: seconds / Math.max(1, tokens),
    targetPositionSeconds: 0,
    draftPositionSeconds,
    lookupSpeedUp: null,
    seconds: (performance.now() - began) / 1000,
  }
}

/** In passes of the target: one over several rows takes as long as one over one. */
function candidate({ config }: TargetElsewhere, shape: DraftShape, targetParameters: number): Candidate {
  const coveredIds = firstIds(shape)
  const parameters = parameterCount({ ...draftConfig(config, shapeOptions(shape)), ...(coveredIds && { coveredIds }) })
  const targetSeconds = [1, 16].map((rows) => ({ rows, seconds: 1 }))
  const costs: StepCosts = { draftSeconds: parameters / targetParameters, targetSeconds }
  return { shape, parameters, costs, ceilings: ceilings(costs) }
}

import { type BatchStream, generateDataset, jsonl, rows, scoreDataset } from '@outrider/dataset'
import type { StepCosts } from '@outrider/speculative'
import { pretrain } from '@outrider/training'
import { createDraft, draftConfig, madeUpTokens, memoryDirectory, parameterCount } from '@outrider/transformer'
import type { SeedRow } from '../seeds/seed-row'
import { type TargetElsewhere, usualTopTokens } from '../teacher/target-elsewhere'
import { ceilings } from './ceiling'
import { candidateShapes, type DraftShape, shapeOptions } from './draft-shape'
import type { Candidate, Look } from './look'

/** Answers that are looked at, and tokens of one, by the seconds that there are. */
const looked = (budgetSeconds: number) => ({
  answers: Math.min(16, Math.max(4, Math.round(budgetSeconds / 20))),
  tokens: Math.min(48, Math.max(8, Math.round(budgetSeconds / 10))),
})

/**
 * What decides a run with a target that is elsewhere: the rate at which its engine answers and says what it thinks of answers, and
 * what a position of training costs here. What passes cost there is not measured: drafts are compared by c, the ratio of parameters,
 * as where memory is what limits an engine (MBSU = τ / (1 + c γ)).
 *
 * @param options.seeds          instructions to answer
 * @param options.budgetSeconds  seconds that all of the run may take: with fewer less is asked. Default 1800
 * @throws OutriderError what asking throws; ABORTED
 */
export async function lookElsewhere(
  target: TargetElsewhere,
  {
    seeds,
    budgetSeconds = 1800,
    signal,
    onMeasure = () => undefined,
  }: {
    seeds: readonly SeedRow[]
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
  onMeasure('answers of the endpoint')
  const most = looked(budgetSeconds)
  const asked = seeds
    .slice(0, most.answers)
    .map((seed) => ({ kind: 'conversation' as const, messages: seed.messages, metadata: {} }))
  let [tokens, seconds] = [0, 0]
  await generateDataset({
    target: endpoint,
    seeds: rows(asked, 'instructions'),
    temperatures: [0.7],
    maxTokens: most.tokens,
    batchSize: concurrency,
    maxFailed,
    out: answers,
    signal,
    onProgress: (state) => {
      tokens = state.tokens
      seconds = state.seconds
    },
  })
  onMeasure('what it thinks of them')
  const scored = { target: endpoint, speaker: target, data: jsonl(answers), out, k, concurrency, signal }
  const scoring = performance.now()
  await scoreDataset(scored)
  seconds += (performance.now() - scoring) / 1000
  onMeasure('steps of training')
  const shapes = candidateShapes(config)
  const draftPositionSeconds = await trainingTime(target, shapes[0]!, signal)
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
  const coveredIds = shape.vocabulary === null ? undefined : Array.from({ length: shape.vocabulary }, (_, id) => id)
  const parameters = parameterCount({ ...draftConfig(config, shapeOptions(shape)), ...(coveredIds && { coveredIds }) })
  const targetSeconds = [1, 16].map((rows) => ({ rows, seconds: 1 }))
  const costs: StepCosts = { draftSeconds: parameters / targetParameters, targetSeconds }
  return { shape, parameters, costs, ceilings: ceilings(costs) }
}

/** Seconds of a position, by the second of two steps: the first compiles. */
async function trainingTime(target: TargetElsewhere, shape: DraftShape, signal?: AbortSignal): Promise<number> {
  const { config, device } = target
  const [batchSize, length] = [8, Math.min(96, config.contextLength)]
  const draft = createDraft(target, {
    ...shapeOptions(shape),
    device,
    ...(shape.vocabulary !== null && { vocabulary: Array.from({ length: shape.vocabulary }, (_, id) => id) }),
  })
  const made = Uint32Array.from(madeUpTokens(batchSize * length + 1, shape.vocabulary ?? config.vocabularySize))
  const batch = {
    ...{ tokens: made.slice(0, -1), labels: made.slice(1), lossMask: new Float32Array(batchSize * length).fill(1) },
    ...{ batchSize, length },
  }
  const data: BatchStream = { next: async () => batch, state: () => null, restore: async () => undefined }
  const ends: number[] = []
  try {
    await pretrain(draft, data, { steps: 2, signal, onStep: ({ seconds }) => ends.push(seconds) })
  } finally {
    draft.dispose()
  }
  return Math.max(1e-9, (ends[1]! - ends[0]!) / (batchSize * length))
}

import { targetPassSeconds } from '@outrider/speculative'
import type { Candidate, Look } from '../look/look'
import { lengthsAt, ways } from '../stages/ways'
import { type Asked, elsewhereOf, type Plan, type PlannedTarget } from './plan'

/** Measured defaults, for a target of 135 million parameters (docs/guide/align.md). */
const usual = {
  answerTokens: 80,
  /** Tokens that an answer of at most 80 has on average. */
  meanAnswer: 56,
  /** Tokens that the target writes for an instruction of its own that is kept. */
  meanWritten: 60,
  /** Answers below which openings of ours, which cost nothing, do. */
  fewAnswers: 200,
  length: 160,
  /** The held-out loss is least here; α there still rises to eleven, and on prompts of other kinds falls. */
  epochs: 8,
  textShare: 0.15,
  /** Steps of pretraining on the target's own answers: what it thought of each of their tokens costs no more, and teaches more. */
  ownTextSteps: 8,
  learningRate: 2e-3,
  lastLearningRate: 1e-3,
  lastShare: 0.3,
  evaluationShare: 0.12,
  evaluationTokens: 48,
} as const

/** The paper's grid, in the order in which temperatures are taken where there is no time for all. */
const grid = [0.7, 0, 1, 0.3] as const

/** Answers from which on a larger draft learns more than it costs. */
const manyAnswerTokens = 1e6

export interface PlanOptions {
  target: PlannedTarget
  asked: Asked
  look: Look
  kind: Plan['kind']
  /** Tokens of the target's context. */
  contextLength: number
  /** Instructions that were given. */
  given: number
  /** Tokens of prompts on average, and those of which nine in ten have no more. */
  promptTokens: { mean: number; most: number }
}

/**
 * Shares of the budget by measured rates. With g seconds for a token of an answer, t for a token that the target reads, d for a
 * position that the draft trains on, and E epochs, N answers to prompts of P tokens, of rows of L, take N · (56 g + P t + E L d), for
 * what the target thinks is kept as it answers: N is what the budget has room for, once the evaluation has an eighth. There is a
 * least plan, which may take longer than the budget.
 */
export function makePlan(options: PlanOptions): Plan {
  const { target, asked, look, kind, contextLength, given, promptTokens } = options
  const maxTokens = mostAnswerTokens(contextLength)
  const length = Math.min(contextLength, Math.max(usual.length, Math.ceil((promptTokens.most + maxTokens) / 8) * 8))
  const meanPrompt = Math.min(promptTokens.mean, length)
  const meanRow = Math.min(length, meanPrompt + usual.meanAnswer)
  const left = Math.max(0.3 * asked.budgetSeconds, asked.budgetSeconds - look.seconds)
  const evaluate = elsewhereOf(target) ? nothingMeasured : evaluationPlan(look, left)
  const training = (left - evaluate.seconds) * (asked.text ? 1 - usual.textShare : 1)
  const { answerTokenSeconds: g, targetPositionSeconds: t } = look
  const answerSeconds = (writing: number) => (usual.meanAnswer + writing) * g + meanPrompt * t
  const answersFor = (d: number, writing = 0) => training / (answerSeconds(writing) + usual.epochs * meanRow * d)
  const draft = chosenDraft(look, answersFor)
  const d = draftSeconds(look, draft)
  const isWriter = given < answersFor(d) && answersFor(d, usual.meanWritten) >= usual.fewAnswers
  const writing = isWriter ? usual.meanWritten : 0
  const answers = Math.round(Math.min(20_000, Math.max(24, answersFor(d, writing))))
  const heldOut = Math.min(32, Math.max(evaluate.prompts, Math.round(answers / 12)))
  const givenHeldOut = Math.min(heldOut, Math.floor(given / 5))
  const learned = Math.min(given - givenHeldOut, answers)
  const temperatures = grid.slice(0, learned === 0 ? 1 : Math.min(4, Math.max(1, Math.floor(answers / learned))))
  const written = Math.max(0, answers - learned * temperatures.length)
  const batchSize = answers < 200 ? 8 : 16
  const steps = Math.ceil((answers * usual.epochs) / batchSize)
  const losses = asked.losses
  const textSteps = ((left - evaluate.seconds) * usual.textShare) / (batchSize * length * d)
  const pretrainSteps = asked.text ? Math.min(200_000, Math.max(4, Math.round(textSteps))) : usual.ownTextSteps
  return {
    target,
    asked,
    look,
    kind,
    draft: draft.shape,
    draftLength: draftLengthOf(draft),
    generate: {
      given: learned,
      givenHeldOut,
      temperatures,
      written,
      writtenBy: isWriter ? 'target' : 'openings',
      writtenHeldOut: heldOut - givenHeldOut,
      maxTokens,
      topP: 0.95,
      batchSize: 16,
    },
    pretrain: { steps: pretrainSteps, learningRate: usual.learningRate, batchSize, length },
    distill: {
      phases: losses.map((loss, i) => ({
        loss,
        steps: Math.max(4, Math.round(steps * phaseShare(i, losses.length))),
        learningRate: i === 0 ? usual.learningRate : usual.lastLearningRate,
      })),
      batchSize,
      length,
      validateEvery: Math.max(4, Math.ceil(steps / 12)),
      patience: 3,
    },
    evaluate: { prompts: evaluate.prompts, maxTokens: evaluate.maxTokens, temperatures: evaluate.temperatures },
    seconds: {
      look: look.seconds,
      generate: (answers + 2 * heldOut) * answerSeconds(0) + (written + heldOut) * writing * g,
      pretrain: asked.text ? pretrainSteps * batchSize * length * d : pretrainSteps * batchSize * meanRow * d,
      distill: meanRow * steps * batchSize * d,
      evaluate: evaluate.seconds,
    },
  }
}

/** Tokens of an answer, of a target with such a context. */
export const mostAnswerTokens = (contextLength: number): number =>
  Math.max(4, Math.min(usual.answerTokens, Math.floor(contextLength / 3)))

/** The last loss has the lesser share; of more than two all have the same. */
const phaseShare = (index: number, count: number): number =>
  count === 2 ? [1 - usual.lastShare, usual.lastShare][index]! : 1 / count

/** Of a target that is elsewhere: the prompts to measure it on there. */
const nothingMeasured = { prompts: 8, maxTokens: usual.evaluationTokens, temperatures: [0, 0.7], seconds: 0 }

/** Greedily and sampled, plainly and in all ways; where that takes long, greedily alone. */
function evaluationPlan({ candidates }: Look, seconds: number) {
  const plain = targetPassSeconds(candidates[0]!.costs, 1)
  const answers = (temperature: number) => 1 + Object.keys(ways).length * lengthsAt(temperature, 1).length
  const promptSeconds = (temperatures: readonly number[]) =>
    temperatures.reduce((sum, temperature) => sum + answers(temperature), 0) * usual.evaluationTokens * plain
  const least = 4
  const room = usual.evaluationShare * seconds
  const temperatures = least * promptSeconds([0, 0.7]) > 2 * room ? [0] : [0, 0.7]
  const prompts = Math.min(24, Math.max(least, Math.floor(room / promptSeconds(temperatures))))
  return {
    prompts,
    maxTokens: usual.evaluationTokens,
    temperatures,
    seconds: prompts * promptSeconds(temperatures),
  }
}

/** Seconds of a position of training: of a larger draft than the measured one in proportion. */
const draftSeconds = ({ draftPositionSeconds, candidates }: Look, { parameters }: Candidate): number =>
  (draftPositionSeconds * parameters) / candidates[0]!.parameters

/**
 * The cheapest, unless there is time for so many answers that a larger one learns more of them: then the largest whose gain at
 * the higher acceptance rate is above the cheapest's at the lower.
 */
function chosenDraft(look: Look, answersFor: (draftPositionSeconds: number) => number): Candidate {
  const [cheapest, ...larger] = look.candidates as [Candidate, ...Candidate[]]
  const worth = larger.filter(
    (candidate) =>
      answersFor(draftSeconds(look, candidate)) * usual.meanAnswer > manyAnswerTokens &&
      bestGain(candidate, 0.6) > bestGain(cheapest, 0.5),
  )
  return worth.at(-1) ?? cheapest
}

const gainAt = ({ speedUp }: Candidate['ceilings'][number], rate: number): number =>
  speedUp.find(({ acceptanceRate }) => acceptanceRate === rate)?.speedUp ?? 0

const bestGain = ({ ceilings }: Candidate, rate: number): number =>
  Math.max(...ceilings.map((ceiling) => gainAt(ceiling, rate)))

/** The length that gains most where half of what is drafted is accepted. */
const draftLengthOf = ({ ceilings }: Candidate): number =>
  ceilings.reduce((a, b) => (gainAt(b, 0.5) > gainAt(a, 0.5) ? b : a)).draftLength

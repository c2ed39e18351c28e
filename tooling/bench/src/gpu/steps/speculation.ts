import { costRatio, SpeculativeDecoder, type StepCosts } from '@outrider/speculative'
import { generate, type PretrainedModel } from '@outrider/transformer'
import { median } from '../../compare'
import { firstLayers, madeUpIds, randomModel } from '../random-model'
import type { GpuContext, GpuStep } from '../step'

const rounds = 2

/** What of τ / (1 + cγ) is left in seconds: a random target whose first layer drafts. */
export const speculationStep: GpuStep = {
  name: 'speculation',
  summary: 'speculation by the first layer of a random target, and what becomes of τ / (1 + cγ)',
  limit: 90,
  async run(context) {
    const { device, world, settings } = context
    const target = randomModel(device, world.target, settings.dtype, { damp: settings.damp })
    const draft = firstLayers(target, 1)
    for (const temperature of [0, 0.7]) await speculated(context, { target, draft, temperature })
    target.dispose()
  },
}

/** What blocks cost with the paper's kind of draft, whose weights are its own, and the α from which it pays. */
export const costsStep: GpuStep = {
  name: 'costs',
  summary: 'what passes of the target and steps of the 115M drafter cost, in f16 and q4_0, and the speed-up by α',
  limit: 90,
  async run({ device, world, settings: { draftLength }, emit }) {
    const drafter = randomModel(device, world.draft, 'f16')
    for (const dtype of ['f16', 'q4_0'] as const) {
      const target = randomModel(device, world.target, dtype)
      const costs = await new SpeculativeDecoder({ target, drafter, draftLength }).measureCosts({ temperature: 0 })
      emit({ case: `target in ${dtype}, drafter in f16`, ...costsOf(costs), ...expectedOf(costs, draftLength) })
      target.dispose()
    }
    drafter.dispose()
  },
}

async function speculated(
  { world, settings, emit }: GpuContext,
  { target, draft, temperature }: { target: PretrainedModel; draft: PretrainedModel; temperature: number },
): Promise<void> {
  const { draftLength, dtype } = settings
  const decoder = new SpeculativeDecoder({ target, drafter: draft, draftLength })
  const costs = await decoder.measureCosts({ temperature })
  const paces: { plain: number[]; drafted: number[] } = { plain: [], drafted: [] }
  let others = 0
  for (let round = 0; round <= rounds; round++)
    for (const seed of [1, 2]) {
      const prompt = madeUpIds(Math.min(48, world.prompts[0]!), world.target, seed)
      const options = { temperature, seed, maxTokens: world.answer }
      const plain = await generate(target, prompt, options).result
      const drafted = await decoder.generate(prompt, options).result
      if (`${plain.tokens}` !== `${drafted.tokens}`) others++
      if (round === 0) continue // compiles
      for (const [name, { timings, tokens }] of Object.entries({ plain, drafted }))
        paces[name as keyof typeof paces].push((1000 * timings.decodeSeconds) / (tokens.length - 1))
    }
  const [plain, ms] = [median(paces.plain), median(paces.drafted)]
  const { blockEfficiency: tau, meanDraftLength } = decoder.metrics
  const speedUp = plain / ms
  const expected = tau / (1 + costRatio(costs) * meanDraftLength)
  emit({
    ...{ case: `${dtype}, T ${temperature}, γ ${draftLength}`, ms, 'tokens/s': 1000 / ms, plain_ms: plain },
    ...{ tau, ...costsOf(costs), speed_up: speedUp, expected, of_expected: speedUp / expected },
    wrong: temperature === 0 && others > 0 ? `${others} greedy answers are not the plain ones` : undefined,
  })
}

const costsOf = (costs: StepCosts) => ({
  c: costRatio(costs),
  draft_ms: 1000 * costs.draftSeconds,
  ...Object.fromEntries(costs.targetSeconds.map(({ rows, seconds }) => [`rows_${rows}_ms`, 1000 * seconds])),
})

/** τ / (cost of a block over a plain pass), each token accepted alike. */
function expectedOf({ draftSeconds, targetSeconds }: StepCosts, draftLength: number) {
  const seconds = (rows: number) => targetSeconds.findLast((pass) => pass.rows <= rows)!.seconds
  const block = draftLength * draftSeconds + seconds(draftLength + 1)
  const speedUp = (alpha: number) => (((1 - alpha ** (draftLength + 1)) / (1 - alpha)) * seconds(1)) / block
  return Object.fromEntries([0.5, 0.6, 0.7, 0.8].map((alpha) => [`alpha_${alpha}`, speedUp(alpha)]))
}

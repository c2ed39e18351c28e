import { type Batch, openTopTokenShards, scoreDataset } from '@outrider/dataset'
import { kld } from '@outrider/losses'
import type { Device } from '@outrider/tensor'
import { testData } from '@outrider/test-data'
import {
  distill,
  distillation,
  evaluate,
  type Objective,
  type TopTokenTarget,
  toDevice,
  topTokenDistillation,
} from '@outrider/training'
import { loadCausalLM, memoryDirectory, type PretrainedModel } from '@outrider/transformer'
import { rounded } from '../compare'
import { decodedTau, distillationOptions, smallWorld } from '../small-world'
import { storiesWorld } from '../stories-world'
import type { Row, Suite, SuiteContext } from '../suite'
import { tinyTarget } from '../tiny-pair'

const tokensAPlace = [4, 20, 64]
/** Instructions whose answers are learnt, those that are held out, and of these the ones that are decoded, too. */
const [instructed, heldOutPrompts, decoded] = [40, 24, 12]
const [steps, draftLength] = [85, 3]

/**
 * The demo's pair and stories260K, distilled from the target in memory and from shards of k tokens a place: bytes of a token, KLD and
 * α of the first draft on held-out answers as the shards tell them and as they are, the simulated block efficiency, and τ of decoding.
 * All begin with one draft, pretrained on text, and take the same steps on the same rows.
 */
export const targetShardsSuite: Suite = {
  name: 'target-shards',
  summary:
    'a draft that is distilled from the k likeliest tokens of each place, beside one that had the target in memory',
  async run(context) {
    const found: Row[] = []
    for (const [pair, open, world] of [
      ['tiny-chat', tinyTarget, smallWorld],
      ['stories260K', (device: Device) => loadCausalLM(testData('stories260K'), { device }), storiesWorld],
    ] as const) {
      const target = await open(context.device)
      found.push(...(await rowsOf(context, pair, target, world)))
      target.dispose()
    }
    return found
  },
}

async function rowsOf(
  { device, note, now }: SuiteContext,
  pair: string,
  target: PretrainedModel,
  world: typeof smallWorld,
): Promise<Row[]> {
  const { pretrained, data, heldOut, validation, prompts } = await world({ note }, target, {
    instructed,
    heldOut: heldOutPrompts,
  })

  /** The target as shards tell it, with the bytes of a token and the seconds in which it was asked. */
  const scored = async (k: number) => {
    note(`the ${k} likeliest tokens of each place`)
    const out = memoryDirectory()
    const began = now()
    const done = await scoreDataset({ target, data, k, out })
    const seconds = now() - began
    await scoreDataset({ target, data: heldOut, k, out })
    const { tokenizer, chatTemplate, generationConfig, config } = target
    const speaker = { tokenizer, generationConfig, config, ...(chatTemplate && { chatTemplate }) }
    const told: TopTokenTarget = { kind: 'shards', ...speaker, shards: await openTopTokenShards(out) }
    return { told, figures: { bytes_a_token: rounded(done.bytes / done.tokens), scoring_seconds: rounded(seconds) } }
  }
  const distilled = async (from: PretrainedModel | TopTokenTarget, what: string) => {
    const draft = await loadCausalLM(pretrained, { device, dtype: 'f32' })
    await distill({
      ...distillationOptions,
      ...{ draft, target: from, data, loss: kld, steps, seed: 1 },
      onStep: ({ step }) => note(`${what}, step ${step} of ${steps}`),
    })
    return draft
  }
  const figures = async (draft: PretrainedModel) => {
    const { alpha, tau } = await measured(draft, distillation(draft, target, kld), validation)
    const tauOf = (sampling: object) =>
      decodedTau({ target, drafter: draft, draftLength }, prompts.slice(0, decoded), sampling)
    return {
      ...{ alpha: rounded(alpha), tau_simulated: rounded(tau) },
      ...{ tau_greedy: rounded(await tauOf({})), tau_sampled: rounded(await tauOf({ temperature: 0.6, topP: 0.9 })) },
    }
  }

  const memory = await distilled(target, 'in memory')
  const whole = distillation(memory, target, kld)
  const meanKld = await meanLoss(memory, whole, validation)
  const found: Row[] = [{ pair, tokens: 'in memory', kld: rounded(meanKld), ...(await figures(memory)) }]
  for (const k of tokensAPlace) {
    const { told, figures: ofShards } = await scored(k)
    // What shards say of the draft that did not learn from them: how far the bound is from what is.
    const objective = topTokenDistillation(memory, told, kld)
    const bound = await measured(memory, objective, validation)
    const kldTold = await meanLoss(memory, objective, validation)
    const draft = await distilled(told, `${k} tokens`)
    found.push({
      ...{ pair, tokens: String(k), ...ofShards },
      ...{ kld_of_memory_told: rounded(kldTold), kld_error: rounded(meanKld - kldTold) },
      alpha_of_memory_told: rounded(bound.alpha),
      ...(await figures(draft)),
    })
    draft.dispose()
  }
  memory.dispose()
  return found
}

/** The mean of a loss over the positions of held-out rows that count. */
async function meanLoss(draft: PretrainedModel, objective: Objective, batches: readonly Batch[]): Promise<number> {
  const { device, parameters } = draft.model
  let [sum, count] = [0, 0]
  for (const batch of batches) {
    using _ = await objective.prepare?.([batch])
    const value = device.scope(() => objective.loss(parameters, toDevice(device, batch, 0)).value)
    const positions = batch.lossMask.reduce((sum, weight) => sum + weight, 0)
    sum += (await value.item()) * positions
    count += positions
    value.dispose()
  }
  return sum / count
}

async function measured(
  draft: PretrainedModel,
  objective: Parameters<typeof evaluate>[1],
  validation: readonly Batch[],
) {
  const { eval_acceptance_rate, eval_acceptance_length } = await evaluate(draft, objective, validation, [draftLength])
  return { alpha: eval_acceptance_rate!, tau: eval_acceptance_length![draftLength]! }
}

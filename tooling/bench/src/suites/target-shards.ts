import { type Batch, openTopTokenShards, scoreDataset } from '@outrider/dataset'
import { kld } from '@outrider/losses'
import { distill, distillation, evaluate, type TopTokenTarget, topTokenDistillation } from '@outrider/training'
import { loadCausalLM, memoryDirectory, type PretrainedModel } from '@outrider/transformer'
import { rounded } from '../compare'
import { decodedTau, distillationOptions, smallWorld } from '../small-world'
import type { Row, Suite } from '../suite'
import { tinyTarget } from '../tiny-pair'

const tokensAPlace = [4, 20, 64]
/** Instructions whose answers are learnt, those that are held out, and of these the ones that are decoded, too. */
const [instructed, heldOutPrompts, decoded] = [40, 24, 12]
const [steps, draftLength] = [85, 3]

/**
 * The demo's pair, distilled from the target in memory and from shards of k tokens a place: bytes of a token, α on held-out answers as
 * the shards tell it and as it is, the simulated block efficiency, and τ of decoding. All begin with one draft, pretrained on text, and
 * take the same steps on the same rows.
 */
export const targetShardsSuite: Suite = {
  name: 'target-shards',
  summary:
    'a draft that is distilled from the k likeliest tokens of each place, beside one that had the target in memory',
  async run({ device, note, now }) {
    const target = await tinyTarget(device)
    const { pretrained, data, heldOut, validation, prompts } = await smallWorld({ note }, target, {
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
    const found: Row[] = [{ tokens: 'in memory', ...(await figures(memory)) }]
    for (const k of tokensAPlace) {
      const { told, figures: ofShards } = await scored(k)
      // What shards say of the draft that did not learn from them: how far the bound is from what is.
      const bound = await measured(memory, topTokenDistillation(memory, told, kld), validation)
      const draft = await distilled(told, `${k} tokens`)
      found.push({
        tokens: String(k),
        ...ofShards,
        alpha_of_memory_told: rounded(bound.alpha),
        ...(await figures(draft)),
      })
      draft.dispose()
    }
    memory.dispose()
    target.dispose()
    return found
  },
}

async function measured(
  draft: PretrainedModel,
  objective: Parameters<typeof evaluate>[1],
  validation: readonly Batch[],
) {
  const { eval_acceptance_rate, eval_acceptance_length } = await evaluate(draft, objective, validation, [draftLength])
  return { alpha: eval_acceptance_rate!, tau: eval_acceptance_length![draftLength]! }
}

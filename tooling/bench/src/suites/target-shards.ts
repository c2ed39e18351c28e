import {
  type Batch,
  batchesOnce,
  type DataSource,
  generateDataset,
  jsonl,
  openTopTokenShards,
  rows,
  scoreDataset,
} from '@outrider/dataset'
import { kld } from '@outrider/losses'
import { SpeculativeDecoder } from '@outrider/speculative'
import {
  distill,
  distillation,
  evaluate,
  pretrain,
  type TopTokenTarget,
  topTokenDistillation,
} from '@outrider/training'
import { createDraft, loadCausalLM, memoryDirectory, type PretrainedModel, saveCausalLM } from '@outrider/transformer'
import { exchanges, instructions, plan, pretrainingText, seeds } from 'outrider/tiny-chat'
import { rounded } from '../compare'
import type { Row, Suite } from '../suite'
import { tinyTarget } from '../tiny-pair'

const tokensAPlace = [4, 20, 64]
/** Instructions whose answers are learnt, those that are held out, and of these the ones that are decoded, too. */
const [instructed, heldOutPrompts, decoded] = [40, 24, 12]
const [steps, draftLength] = [85, 3]
const distillationOptions = { batchSize: 8, length: 72, learningRate: 8e-3 }

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
    const folder = memoryDirectory()
    note('pretraining')
    const first = createDraft(target, { ...plan.draft, seed: 1 })
    const { texts: _, ...pretraining } = plan.pretraining
    await pretrain(first, pretrainingText(), { ...pretraining, seed: 1 })
    const pretrained = memoryDirectory()
    await saveCausalLM(first, pretrained)
    first.dispose()
    const answers = async (source: DataSource, file: string, temperatures: readonly number[]): Promise<DataSource> => {
      note(`answers, ${file}`)
      const { topP, maxTokens, batchSize } = plan.generation
      const out = { directory: folder, file }
      await generateDataset({ target, seeds: source, out, temperatures, topP, maxTokens, batchSize })
      return jsonl(out)
    }
    const data = await answers(instructions(instructed), 'answers.jsonl', plan.generation.temperatures)
    const prompts = promptsHeldOut()
    const asked = prompts.map((content) => ({
      kind: 'conversation' as const,
      messages: [{ role: 'user' as const, content }],
      metadata: {},
    }))
    const heldOut = await answers(rows(asked, 'held out'), 'held-out.jsonl', [0, 1])
    const validation = await batchesOnce(heldOut, target, distillationOptions)

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
      const tauOf = (sampling: object) => decodedTau(target, draft, prompts.slice(0, decoded), sampling)
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

/** Prompts of the tasks that are learnt, none of which is. */
function promptsHeldOut(): string[] {
  const promptsOf = (seed: number, count: number) =>
    exchanges({ seed, count, tasks: ['open-ended', 'summarise'] }).map(({ prompt }) => prompt)
  const known = new Set(promptsOf(seeds.instructions, instructed))
  const fresh = new Set(promptsOf(seeds.prompts, 2 * heldOutPrompts).filter((prompt) => !known.has(prompt)))
  return [...fresh].slice(0, heldOutPrompts)
}

/** Tokens a pass of the target over all prompts. */
async function decodedTau(
  target: PretrainedModel,
  drafter: PretrainedModel,
  prompts: readonly string[],
  sampling: object,
): Promise<number> {
  const decoder = new SpeculativeDecoder({ target, drafter, draftLength })
  for (const content of prompts)
    await decoder.generate([{ role: 'user', content }], { maxTokens: plan.generation.maxTokens, ...sampling }).result
  return decoder.metrics.blockEfficiency
}

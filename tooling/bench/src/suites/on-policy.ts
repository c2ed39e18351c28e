import { batchesOnce, type DataSource, generateDataset, jsonl, rows } from '@outrider/dataset'
import { kld } from '@outrider/losses'
import { SpeculativeDecoder } from '@outrider/speculative'
import { distill, distillation, evaluate, pretrain, TargetStates } from '@outrider/training'
import { createDraft, loadCausalLM, memoryDirectory, type PretrainedModel, saveCausalLM } from '@outrider/transformer'
import { exchanges, instructions, plan, pretrainingText, seeds } from 'outrider/tiny-chat'
import { rounded } from '../compare'
import type { Row, Suite } from '../suite'
import { tinyTarget } from '../tiny-pair'

const shares = [0, 0.3, 0.5, 1]
const seedsOfRuns = [1, 2]
/** Instructions whose answers are learnt, those that are held out, and of these the ones that are decoded, too. */
const [instructed, heldOutPrompts, decoded] = [60, 32, 12]
const [steps, draftLength] = [100, 3]
const distillationOptions = { batchSize: 8, length: 72, learningRate: 8e-3 }

/**
 * Distillation by the share of batches whose answers the draft draws itself, after as many steps and after as much time as a run
 * without: α and the simulated block efficiency on answers of the target that are held out, and τ of decoding their prompts, the mean
 * over runs of different seeds. All begin with one draft, pretrained on text. The time of a run is that of its steps.
 */
export const onPolicySuite: Suite = {
  name: 'on-policy',
  summary: 'held-out α and τ by the share of batches whose answers the draft draws, in equal steps and in equal time',
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
      await generateDataset({
        ...{ target, seeds: source, out: { directory: folder, file }, temperatures, topP, maxTokens, batchSize },
      })
      return jsonl({ directory: folder, file })
    }
    const data = await answers(instructions(instructed), 'answers.jsonl', plan.generation.temperatures)
    const prompts = promptsHeldOut()
    const conversations = prompts.map((content) => ({
      kind: 'conversation' as const,
      messages: [{ role: 'user' as const, content }],
      metadata: {},
    }))
    const heldOut = await answers(rows(conversations, 'held out'), 'held-out.jsonl', [0, 1])
    const validation = await batchesOnce(heldOut, target, distillationOptions)
    using ofHeldOut = new TargetStates()

    const run = async (share: number, seed: number, steps: number): Promise<Run> => {
      const draft = await loadCausalLM(pretrained, { device, dtype: 'f32' })
      let began = now()
      let seconds = 0
      await distill({
        ...distillationOptions,
        ...{ draft, target, data, loss: kld, steps, seed, onPolicy: { share } },
        onStep({ step }) {
          note(`λ ${share}, seed ${seed}, step ${step} of ${steps}`)
          if (step === 1) began = now() // the first compiles
          seconds = now() - began
        },
      })
      note(`λ ${share}, seed ${seed}: held out`)
      const objective = distillation(draft, target, kld, { targetStates: ofHeldOut })
      const { eval_acceptance_rate, eval_acceptance_length } = await evaluate(draft, objective, validation, [
        draftLength,
      ])
      const tau = (sampling: object) => measuredTau(target, draft, prompts.slice(0, decoded), sampling)
      const figures = {
        ...{ steps, seconds, alpha: eval_acceptance_rate!, tau_simulated: eval_acceptance_length![draftLength]! },
        ...{ tau_greedy: await tau({}), tau_sampled: await tau({ temperature: 0.6, topP: 0.9 }) },
      }
      draft.dispose()
      return figures
    }
    for (const share of [0, 1]) await run(share, 9, 3) // kernels are compiled

    const found: Row[] = []
    const last = new Map<string, Run>()
    for (const alike of ['steps', 'time'] as const)
      for (const share of alike === 'steps' ? shares : shares.filter((share) => share > 0)) {
        const all: Run[] = []
        for (const seed of seedsOfRuns) {
          const before = alike === 'time' ? last.get(`${share}, ${seed}`) : undefined
          const count = before ? Math.round((steps * last.get(`0, ${seed}`)!.seconds) / before.seconds) : steps
          const one = await run(share, seed, count)
          if (alike === 'steps') last.set(`${share}, ${seed}`, one)
          all.push(one)
        }
        const row = { alike, share, ...meanOf(all) }
        found.push(row)
      }
    target.dispose()
    return found
  },
}

/** Prompts of the tasks that are learnt, none of which is. */
function promptsHeldOut(): string[] {
  const promptsOf = (seed: number, count: number) =>
    exchanges({ seed, count, tasks: ['open-ended', 'summarise'] }).map(({ prompt }) => prompt)
  const known = new Set(promptsOf(seeds.instructions, instructed))
  const fresh = new Set(promptsOf(seeds.prompts, 2 * heldOutPrompts).filter((prompt) => !known.has(prompt)))
  return [...fresh].slice(0, heldOutPrompts)
}

/** How long the steps of a run took, and what its draft is worth. */
type Run = Readonly<Record<'steps' | 'seconds' | 'alpha' | 'tau_simulated' | 'tau_greedy' | 'tau_sampled', number>>

const meanOf = (all: readonly Run[]): Row =>
  Object.fromEntries(
    (Object.keys(all[0]!) as (keyof Run)[]).map((name) => [
      name,
      rounded(all.reduce((sum, one) => sum + one[name], 0) / all.length),
    ]),
  )

/** Tokens a pass of the target over all prompts, greedily and sampled as the demo does. */
async function measuredTau(
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

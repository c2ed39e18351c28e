import { kld } from '@outrider/losses'
import { distill, distillation, evaluate, TargetStates } from '@outrider/training'
import { loadCausalLM } from '@outrider/transformer'
import { rounded } from '../compare'
import { decodedTau, distillationOptions, smallWorld } from '../small-world'
import type { Row, Suite } from '../suite'
import { tinyTarget } from '../tiny-pair'

const shares = [0, 0.3, 0.5, 1]
const seedsOfRuns = [1, 2]
/** Instructions whose answers are learnt, those that are held out, and of these the ones that are decoded, too. */
const [instructed, heldOutPrompts, decoded] = [60, 32, 12]
const [steps, draftLength] = [100, 3]

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
    const { pretrained, data, validation, prompts } = await smallWorld({ note }, target, {
      instructed,
      heldOut: heldOutPrompts,
    })
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
      const tau = (sampling: object) =>
        decodedTau({ target, drafter: draft, draftLength }, prompts.slice(0, decoded), sampling)
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

/** How long the steps of a run took, and what its draft is worth. */
type Run = Readonly<Record<'steps' | 'seconds' | 'alpha' | 'tau_simulated' | 'tau_greedy' | 'tau_sampled', number>>

const meanOf = (all: readonly Run[]): Row =>
  Object.fromEntries(
    (Object.keys(all[0]!) as (keyof Run)[]).map((name) => [
      name,
      rounded(all.reduce((sum, one) => sum + one[name], 0) / all.length),
    ]),
  )

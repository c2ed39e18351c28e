import { type DataSource, rows } from '@outrider/dataset'
import type { StepCosts } from '@outrider/speculative'
import type { Device } from '@outrider/tensor'
import {
  Decoder,
  type Directory,
  memoryDirectory,
  modelIdentity,
  type PretrainedModel,
  pretrainedModel,
  within,
} from '@outrider/transformer'
import { chatSpeaker, plainSpeaker } from '../../dataset/src/tiny-model.fixture'
import { ceilings } from './look/ceiling'
import { candidateShapes } from './look/draft-shape'
import type { Look } from './look/look'
import { makePlan } from './plan/make-plan'
import type { Plan } from './plan/plan'
import { runFolder, writePlan } from './plan/stored-plan'

/** A random chat model over bytes, of a few thousand weights. */
export function tinyTarget(device: Device, { chat = true, seed = 3 } = {}): PretrainedModel {
  const config = { ...chatSpeaker.config, contextLength: 288 } as PretrainedModel['config']
  const speaker = chat ? chatSpeaker : plainSpeaker
  return pretrainedModel(Decoder.initialize(device, config, { seed }), { ...speaker, source: 'tiny' })
}

/** What passes might cost where drafts pay. */
export const cheapDraft: StepCosts = {
  draftSeconds: 0.05,
  targetSeconds: [
    { rows: 1, seconds: 1 },
    { rows: 16, seconds: 1.5 },
  ],
}

/** And where none can: a step of the draft costs as much as the target's. */
export const dearDraft: StepCosts = { ...cheapDraft, draftSeconds: 1 }

/** A look that was taken already: nothing of a plan depends on the machine. */
export function tinyLook({ config, model }: PretrainedModel, costs = cheapDraft): Look {
  return {
    adapter: 'none',
    targetBytes: 1,
    targetParameters: model.parameterCount,
    candidates: [{ shape: candidateShapes(config)[0]!, parameters: 1000, costs, ceilings: ceilings(costs) }],
    answerTokenSeconds: 1e-3,
    targetPositionSeconds: 1e-3,
    draftPositionSeconds: 1e-3,
    lookupSpeedUp: 1.1,
    seconds: 1,
  }
}

/** A few questions of a user. */
export const questions = (count: number): DataSource =>
  rows(
    Array.from({ length: count }, (_, i) => ({
      kind: 'conversation',
      messages: [{ role: 'user', content: `What is ${i}?` }],
      metadata: { category: i % 2 === 0 ? 'even' : 'odd' },
    })),
    'questions',
  )

/** The plan of such a look, with fewer and shorter answers than any plan has: seconds on any machine. */
export async function tinyPlan(
  target: PretrainedModel,
  { given = 0, seeds = null, costs }: { given?: number; seeds?: string | null; costs?: StepCosts } = {},
): Promise<Plan> {
  const plan = makePlan({
    target: {
      name: target.source,
      identity: JSON.parse(JSON.stringify(await modelIdentity(target))),
      fingerprint: target.tokenizer.fingerprint,
    },
    asked: { budgetSeconds: 30, seed: 0, losses: ['kld', 'tvd'], seeds, text: false },
    look: tinyLook(target, costs),
    kind: target.chatTemplate ? 'chat' : 'text',
    contextLength: target.config.contextLength,
    given,
    promptTokens: { mean: 44, most: 60 },
  })
  const { generate, pretrain, distill } = plan
  return {
    ...plan,
    generate: { ...generate, written: 6, writtenHeldOut: 2, temperatures: [0.7], maxTokens: 8, batchSize: 4 },
    pretrain: { ...pretrain, steps: 3, batchSize: 4 },
    distill: {
      ...distill,
      batchSize: 4,
      validateEvery: 2,
      phases: distill.phases.map((phase) => ({ ...phase, steps: 4 })),
    },
    evaluate: { prompts: 2, maxTokens: 8, temperatures: [0] },
  }
}

/** A directory in which that plan is begun. */
export async function planned(target: PretrainedModel, options: Parameters<typeof tinyPlan>[1] = {}, name = 'draft') {
  const out = memoryDirectory({}, name)
  await writePlan(within(out, runFolder), await tinyPlan(target, options))
  return out
}

/** What has to be the same however often a run was stopped: data, weights and tokenizer, by their files. */
export async function outcome(out: Directory): Promise<Record<string, string>> {
  const names = [
    'config.json',
    'model.safetensors',
    'tokenizer.json',
    'answers.bin',
    'align/answers.jsonl',
    'align/held-out.jsonl',
  ]
  const read = await Promise.all(names.map(async (name) => [name, Array.from(await out.read(name)).join()] as const))
  return Object.fromEntries(read)
}

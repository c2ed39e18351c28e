import { promptOf } from '@outrider/dataset'
import { lossByName } from '@outrider/losses'
import { OutriderError } from '@outrider/tensor'
import { contentHash, type Directory, modelIdentity, restoreTuning, tuningInUse } from '@outrider/transformer'
import type { AlignOptions } from '../align'
import { type Look, look } from '../look/look'
import { lookElsewhere } from '../look/look-elsewhere'
import { readResults } from '../results'
import { hasRoom } from '../seeds/has-room'
import { ownOpenings } from '../seeds/openings'
import type { SeedRow } from '../seeds/seed-row'
import type { AlignEvent } from '../stages/run'
import { type AlignTarget, isElsewhere, usualTopTokens } from '../teacher/target-elsewhere'
import { makePlan, mostAnswerTokens } from './make-plan'
import type { Asked, Plan, PlannedTarget } from './plan'
import { assertSamePlan, readPlan, writePlan } from './stored-plan'

/** The plan that was written, if it is of the same run; else a new one, written down. */
export async function planOf(
  { target, out, text, look: looked, signal, ...options }: AlignOptions,
  folder: Directory,
  users: readonly SeedRow[] | undefined,
  tell: (event: AlignEvent) => void,
): Promise<Plan> {
  const planned: PlannedTarget = {
    name: target.source,
    identity: await identityOf(target),
    fingerprint: target.tokenizer.fingerprint,
  }
  const seeds = users && (await contentHash(users))
  const { budgetSeconds, seed, losses } = options
  for (const name of losses ?? []) lossByName(name)
  const known = await readPlan(folder)
  if (known) {
    assertSamePlan(out.name, known, planned, {
      budgetSeconds,
      seed,
      ...(losses && { losses: [...losses] }),
      ...(seeds && { seeds }),
      ...(known.asked.text && !(await readResults(folder)).pretrain && { text: text !== undefined }),
    })
    const recorded = { adapter: known.look.adapter, kernels: known.kernels }
    for (const text of restoreTuning(deviceOf(target), out.name, recorded)) tell({ kind: 'warning', text })
    tell({ kind: 'plan', plan: known, known: true })
    return known
  }
  const asked: Asked = {
    budgetSeconds: budgetSeconds ?? 1800,
    seed: seed ?? 0,
    losses: losses ? [...losses] : usualLosses(target),
    seeds: seeds ?? null,
    text: text !== undefined,
  }
  const kind = target.chatTemplate ? 'chat' : 'text'
  if (users?.length === 0)
    throw new OutriderError('INVALID_ARGUMENT', 'The seeds have no instruction.', {
      remedy: 'Give rows with messages, a prompt, an instruction or turns; or no seeds, for those that come with it.',
    })
  const where = isElsewhere(target) ? 'what the endpoint answers in which time' : 'what passes cost here'
  tell({ kind: 'stage', stage: 'look', text: `${where}, and what a draft could bring`, seconds: null })
  const { contextLength } = target.config
  const maxTokens = mostAnswerTokens(contextLength)
  const fits = isElsewhere(target) ? hasRoom(target, maxTokens) : () => true
  const asks = (users ?? []).filter(fits)
  const all = [...asks, ...ownOpenings(lookedAt, kind).filter(fits)]
  if (all.length === 0)
    throw new OutriderError('CONTEXT_OVERFLOW', `No instruction leaves room for an answer of ${maxTokens} tokens.`, {
      remedy: `Give shorter ones: the target reads ${contextLength} tokens.`,
    })
  const lengths = all
    .slice(0, measuredPrompts)
    .map(({ messages }) => promptOf(target, messages).length)
    .sort((a, b) => a - b)
  const onMeasure = (what: string) => tell({ kind: 'note', text: `  measuring ${what}` })
  const measured = { seeds: all.slice(0, lookedAt), maxTokens, budgetSeconds: asked.budgetSeconds, signal, onMeasure }
  const seen = looked ?? (await lookAt(target, measured))
  const promptTokens = {
    mean: lengths.reduce((sum, length) => sum + length, 0) / lengths.length,
    most: lengths[Math.floor(0.9 * (lengths.length - 1))]!,
  }
  const given = asks.length
  const { kernels } = tuningInUse(deviceOf(target))
  const plan = {
    ...makePlan({ target: planned, asked, look: seen, kind, contextLength, given, promptTokens }),
    kernels,
  }
  await writePlan(folder, plan)
  tell({ kind: 'plan', plan, known: false })
  return plan
}

const deviceOf = (target: AlignTarget) => (isElsewhere(target) ? target.device : target.model.device)

function lookAt(
  target: AlignTarget,
  { seeds, maxTokens, ...options }: Parameters<typeof lookElsewhere>[1] & { budgetSeconds: number },
): Promise<Look> {
  if (isElsewhere(target)) return lookElsewhere(target, { seeds, maxTokens, ...options })
  return look(target, { ...options, prompts: seeds.map(({ messages }) => promptOf(target, messages)) })
}

async function identityOf(target: AlignTarget): Promise<PlannedTarget['identity']> {
  if (!isElsewhere(target)) return JSON.parse(JSON.stringify(await modelIdentity(target)))
  const { endpoint, topTokens = usualTopTokens, weights, config } = target
  return { endpoint: endpoint.model, topTokens, hasEmbedding: weights !== undefined, config: await contentHash(config) }
}

/** Prompts that are answered for the look: as many as are answered side by side later. */
const lookedAt = 16

/** Prompts whose lengths are looked at. */
const measuredPrompts = 500

/** TVD adds to acceptance where answers are sampled, and nothing where they are not. */
const usualLosses = ({ generationConfig: { doSample, temperature } }: AlignTarget): string[] =>
  doSample === true || (temperature !== undefined && temperature > 0) ? ['kld', 'tvd'] : ['kld']

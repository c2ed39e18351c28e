import type { Device, Tensor } from '@outrider/tensor'
import { noToken } from '@outrider/tensor/internal'
import { type CausalLM, madeUpTokens, notFiniteLogits, type Sampling } from '@outrider/transformer'
import { maxDraftLength } from '../draft-length/policy'
import type { PassSeconds, StepCosts } from '../draft-length/step-costs'
import type { DraftStop } from '../drafter/draft-stop'
import { type Drafter, offersOf } from '../drafter/drafter'
import { madeUpDrafts } from '../drafter/made-up-drafts'
import { Sequence } from '../sequence'
import { type Verification, verificationRule } from '../verification/by-name'
import { type MeasuringOptions, mediansInTurns } from './in-turns'

export interface MeasureCostsOptions extends MeasuringOptions {
  target: CausalLM
  drafter: Drafter
  sampling: Sampling
  /** Default 'block'. */
  verification?: Verification | undefined
  /** Tokens before the measured steps: what attention costs. Default 64. */
  context?: number
  /** Whether drafts may end early: then it is measured, too, what a step costs that is left out. Default false. */
  stops?: boolean | undefined
}

/** Ends any draft behind its first token, but where that is certain, and then no other would end it either. */
const atOnce: DraftStop = { confidence: 1 }

/** Kernels for a few rows compute as many as the next power of two: where one ends the next begins dearer. */
const rowCounts = [1, 2, 3, 4, 5, 8, 9, 16]
/** Of a parallel draft, whose pass over the last token has as many rows as it drafts tokens. */
const draftRowCounts = [1, 2, 4, 5, 8, 9, maxDraftLength]

/**
 * Measures what steps cost, as decoding takes them: passes of the target over 1 to 16 rows, each with its verification (one
 * row: with its draw), its readback and the host's work, by themselves; and a draft step, as what each further one adds to a
 * draft, or the passes of a parallel draft over 1 to 15 rows, without the wait for them. Medians, in turns, compiling left out. It takes memory for two short caches and frees it; nothing that is being
 * generated is touched.
 *
 * @throws OutriderError ABORTED when the signal says so; NOT_FINITE where logits are no numbers
 */
export async function measureCosts({
  target,
  drafter,
  sampling,
  verification = 'block',
  context = 64,
  stops = false,
  now = () => performance.now() / 1000,
  ...measuring
}: MeasureCostsOptions): Promise<StepCosts> {
  const { device, config } = target
  const { vocabularySize } = config
  const length = Math.max(1, Math.min(context, config.contextLength - maxDraftLength - 2))
  const prompt = madeUpTokens(length, vocabularySize)
  const capacity = length + maxDraftLength + 2
  const rule = verificationRule(verification)
  const sequence = new Sequence({ target, drafter: madeUpDrafts, verification: rule, sampling, prompt, capacity })
  const session = drafter.open({ device, vocabularySize, capacity })

  const timed = async (step: () => Promise<unknown>) => {
    const begin = now()
    await step()
    return now() - begin
  }
  const pass = (rows: number) => async () => {
    const [offer] = sequence.offers(rows - 1)
    const seconds = await timed(() => sequence.step(offer && { offer, draftLength: rows - 1 }))
    sequence.rewind(length)
    return seconds
  }
  /** Of what runs a model; what is looked up costs nothing. */
  const offered = (limit: number) =>
    offersOf(drafter, session, { tokens: prompt, limit }).find(({ unread }) => unread !== undefined)
  const drafted = (draftLength: number, stop: DraftStop | null = null) => {
    const offer = offered(draftLength)
    const draft = offer && session.draft({ tokens: prompt, draftLength, offer, stop, sampling, offset: 0 })
    return draft && 'tokens' in draft ? draft.tokens : null
  }
  const counts = [0, 0]
  const draft = (which: 0 | 1, draftLength: number, stop?: DraftStop) => async () => {
    const seconds = await timed(async () => {
      counts[which] = device.scope(() => drafted(draftLength, stop)?.size ?? 0)
      await device.idle()
    })
    session.keep(length - 1)
    return seconds
  }

  const passes =
    (draftLength: number, times = 1) =>
    async () => {
      const seconds = await timed(async () => {
        for (let i = 0; i < times; i++) {
          device.scope(() => void drafted(draftLength))
          session.keep(length - 1)
        }
        await device.idle()
      })
      return seconds
    }

  try {
    await checkDraft(device, () => drafted(maxDraftLength))
    session.keep(length - 1)
    await sequence.step() // reads the prompt
    sequence.rewind(length)
    const isParallel = offered(maxDraftLength)?.parallel === true
    const drafts = isParallel
      ? [...draftRowCounts.map((rows) => passes(rows)), passes(maxDraftLength, 2)]
      : [draft(0, 1), draft(1, maxDraftLength), ...(stops ? [draft(1, maxDraftLength, atOnce)] : [])]
    const medians = await mediansInTurns(device, [...rowCounts.map(pass), ...drafts], measuring)
    const ofDrafts = medians.splice(rowCounts.length)
    const targetSeconds = rising(rowCounts, medians)
    if (isParallel) {
      const draftPasses = rising(draftRowCounts, withoutWait(ofDrafts))
      return { draftSeconds: draftPasses[0]!.seconds, draftPasses, targetSeconds }
    }
    const [short, long, stopped] = ofDrafts as [number, number, number | undefined]
    const draftSeconds = stepSeconds(short, long, counts as [number, number])
    if (stopped === undefined || draftSeconds === 0) return { draftSeconds, targetSeconds }
    const leftOut = Math.max(1, counts[1]! - counts[0]!)
    return { draftSeconds, targetSeconds, skippedSeconds: Math.max(0, stopped - short) / leftOut }
  } finally {
    sequence.dispose()
    session.dispose()
  }
}

/** A draft that is found not to pay is not asked again: that its logits are no numbers would stay hidden. */
async function checkDraft(device: Device, draft: () => Tensor | null) {
  let ids: ReturnType<Tensor['data']> | undefined
  device.scope(() => {
    ids = draft()?.data()
  })
  if ((await ids)?.includes(noToken)) throw notFiniteLogits('The draft')
}

/** A pass over more rows does at least the work of one over fewer: a smaller time is noise. */
function rising(rowCounts: readonly number[], seconds: readonly number[]): PassSeconds {
  const passes: { rows: number; seconds: number }[] = []
  for (const [i, rows] of rowCounts.entries())
    passes.push({ rows, seconds: Math.max(seconds[i]!, passes.at(-1)?.seconds ?? 1e-9) })
  return passes
}

/** Seconds of passes, the last of which was done twice besides, and waited for once: what is in its time once is the wait. */
function withoutWait(seconds: readonly number[]): number[] {
  const [once, twice] = seconds.slice(-2) as [number, number]
  const wait = Math.max(0, 2 * once - twice)
  return seconds.slice(0, -1).map((taken) => taken - wait)
}

/** What a further step adds: what is waited for once, whatever the length, is in both times. */
function stepSeconds(short: number, long: number, [few, many]: readonly [number, number]): number {
  if (many === 0) return 0
  const added = many > few ? (long - short) / (many - few) : 0
  // Where a few small steps are lost in noise, or there is room for one alone.
  return added > 0 ? added : Math.max(long, 1e-9) / many
}

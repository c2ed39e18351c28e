import type { Tensor } from '@outrider/tensor'
import { type CausalLM, madeUpTokens, prefill, RepeatedStep, type Sampling, sampleTokens } from '@outrider/transformer'
import { maxDraftLength } from '../draft-length/policy'
import { type Drafter, type DrawnDraft, memoryOf, offersOf } from '../drafter/drafter'
import { Sequence } from '../sequence'
import { type Verification, verificationRule } from '../verification/by-name'
import { judged, type ToJudge, uniforms } from '../verification/passes'
import { readDraft } from '../verification/read-draft'
import type { VerificationRule } from '../verification/rule'
import { readVerdict } from '../verification/verify'
import { type MeasuringOptions, median, mediansInTurns } from './in-turns'

/** Where the time of a block goes. */
export interface BlockTimes {
  /** γ: draft steps. 0 is plain decoding: one pass of one row. */
  draftLength: number
  /** The block as decoding does it, waited for once. */
  blockSeconds: number
  /** The γ draft steps. */
  draftSeconds: number
  /** The target's pass over γ + 1 rows. */
  targetSeconds: number
  /** Distributions, verdict and the token that follows; of a plain step its draw. */
  verificationSeconds: number
  readbackSeconds: number
  /** What is left of a block taken apart. */
  hostSeconds: number
}

export interface MeasureBlocksOptions extends MeasuringOptions {
  target: CausalLM
  drafter: Drafter
  sampling: Sampling
  /** Default 'block'. */
  verification?: Verification | undefined
  /** Each γ to be measured. */
  draftLengths: readonly number[]
  /** Tokens before the block. Default 64. */
  context?: number
}

/**
 * Takes the time of blocks apart, on made-up text: each part is queued and waited for by itself, in the same kernels as
 * otherwise. A wait costs time, and the host and the device no longer work side by side, so the parts may add up to more than
 * the block, which is measured whole beside them. Medians, in turns, compiling left out.
 *
 * @throws OutriderError ABORTED when the signal says so; NOT_FINITE where logits are no numbers
 */
export async function measureBlocks({ draftLengths, ...options }: MeasureBlocksOptions): Promise<BlockTimes[]> {
  const times: BlockTimes[] = []
  for (let first = 0; first < draftLengths.length; first += together)
    times.push(...(await inTurns({ ...options, draftLengths: draftLengths.slice(first, first + together) })))
  return times
}

/** Draft lengths that take turns: a sequence keeps the recordings of so many. */
const together = 4

async function inTurns({
  target,
  drafter,
  sampling,
  verification = 'block',
  draftLengths,
  context = 64,
  now = () => performance.now() / 1000,
  ...measuring
}: MeasureBlocksOptions): Promise<BlockTimes[]> {
  const { device, config } = target
  const length = Math.max(1, Math.min(context, config.contextLength - maxDraftLength - 2))
  const prompt = madeUpTokens(length, config.vocabularySize)
  const rule = verificationRule(verification)
  const capacity = length + maxDraftLength + 2
  const setting = { target, drafter, sampling, verification: rule, prompt, capacity }
  const sequence = new Sequence(setting)
  const apart = new BlockApart(setting)
  const parts = draftLengths.map((): PartSeconds[] => [])
  const whole = (draftLength: number) => async () => {
    const begin = now()
    const [offer] = sequence.offers(draftLength)
    await sequence.step(offer && { offer, draftLength })
    const seconds = now() - begin
    sequence.rewind(length)
    return seconds
  }
  const taken = (draftLength: number, i: number) => async () => {
    parts[i]!.push(await apart.run(draftLength, now))
    return 0
  }
  try {
    await sequence.step() // reads the prompt
    sequence.rewind(length)
    const runs = draftLengths.flatMap((draftLength, i) => [whole(draftLength), taken(draftLength, i)])
    const medians = await mediansInTurns(device, runs, measuring)
    return draftLengths.map((draftLength, i) => {
      const of = (part: keyof PartSeconds) => median(parts[i]!.slice(1).map((seconds) => seconds[part]))
      return {
        draftLength,
        blockSeconds: medians[2 * i]!,
        draftSeconds: of('draft'),
        targetSeconds: of('target'),
        verificationSeconds: of('verification'),
        readbackSeconds: of('readback'),
        hostSeconds: of('host'),
      }
    })
  } finally {
    sequence.dispose()
    apart.dispose()
  }
}

interface PartSeconds {
  draft: number
  target: number
  verification: number
  readback: number
  host: number
}

interface Setting {
  target: CausalLM
  drafter: Drafter
  sampling: Sampling
  verification: VerificationRule
  prompt: readonly number[]
  capacity: number
}

/** The block after a prompt, part by part, again and again. */
class BlockApart {
  readonly #setting: Setting
  readonly #cache
  readonly #session
  /** The last token of the prompt, u32 [1, 1]. */
  readonly #unread: Tensor
  /** By the memory of the draft. */
  readonly #steps = new Map<string, Steps>()

  constructor(setting: Setting) {
    const { target, drafter, prompt, capacity } = setting
    const { device, config } = target
    this.#setting = setting
    this.#cache = target.createCache({ capacity, context: config.contextLength })
    this.#session = drafter.open({ device, vocabularySize: config.vocabularySize, capacity })
    this.#unread = device.tensor(Uint32Array.from(prompt.slice(-1)), { shape: [1, 1] })
    if (prompt.length > 1) prefill(target, this.#cache, prompt.slice(0, -1)).dispose()
  }

  async run(draftLength: number, now: () => number): Promise<PartSeconds> {
    const { target, sampling, prompt } = this.#setting
    const { device } = target
    const begin = now()
    let last = begin
    const lap = () => {
      const seconds = now() - last
      last += seconds
      return seconds
    }
    const waited = async () => {
      await device.idle()
      return lap()
    }
    const drafted = device.scope(() => this.#draft(draftLength))
    const draft = await waited()
    const steps = this.#stepsFor(drafted)
    try {
      steps.logits = steps.read.run(0).logits
      const pass = await waited()
      steps.uniforms.write(uniforms(steps.uniforms.size, sampling.seed, 0))
      const { result } = steps.judge.run(0)
      const verification = await waited()
      const words = (await result.data()) as Uint32Array
      const readback = lap()
      if (drafted) readVerdict(words)
      this.#cache.truncate(prompt.length - 1)
      this.#session.keep(prompt.length - 1)
      return {
        draft,
        target: pass,
        verification,
        readback,
        host: now() - begin - draft - pass - verification - readback,
      }
    } finally {
      if (drafted && !drafted.lasting) {
        this.#forget()
        drafted.tokens.dispose()
        drafted.probabilities?.dispose()
      }
    }
  }

  dispose(): void {
    this.#forget()
    this.#unread.dispose()
    this.#session.dispose()
    this.#cache.dispose()
  }

  #draft(draftLength: number): (ToJudge & Pick<DrawnDraft, 'lasting'>) | null {
    const { target, drafter, sampling, prompt: tokens } = this.#setting
    const [offer] = offersOf(drafter, this.#session, { tokens, limit: draftLength })
    const draft = offer && this.#session.draft({ tokens, offer, draftLength, sampling, offset: 0 })
    if (!draft || 'tokens' in draft) return draft ?? null
    return { tokens: target.device.tensor(Uint32Array.from(draft.ids)) }
  }

  #stepsFor(draft: ToJudge | null): Steps {
    const name = draft ? memoryOf(draft) : 'plain'
    const known = this.#steps.get(name)
    if (known) return known
    const { target, sampling, verification } = this.#setting
    const { device } = target
    const [cache, unread] = [this.#cache, this.#unread]
    const drawn = device.empty([(draft?.tokens.size ?? 0) + 1]).keep()
    const steps: Steps = {
      uniforms: drawn,
      logits: undefined,
      read: new RepeatedStep(target, cache, () => {
        if (draft) return { logits: readDraft(target, { cache, unread, draft }) }
        const logits = target.forward(unread, { cache }) // [1, 1, V]
        return { logits: logits.reshape([1, logits.size]) }
      }),
      judge: new RepeatedStep(target, cache, () => ({
        result: draft
          ? judged(draft, steps.logits!, { sampling, verification, uniforms: drawn })
          : sampleTokens(steps.logits!, sampling, 0),
      })),
    }
    this.#steps.set(name, steps)
    return steps
  }

  #forget(): void {
    for (const { uniforms, read, judge } of this.#steps.values()) {
      judge.dispose()
      read.dispose()
      uniforms.dispose()
    }
    this.#steps.clear()
  }
}

interface Steps {
  uniforms: Tensor
  /** What `read` wrote last: in the same memory each time, where steps are recorded. */
  logits: Tensor | undefined
  read: RepeatedStep<{ logits: Tensor }>
  judge: RepeatedStep<{ result: Tensor }>
}

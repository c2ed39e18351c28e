import { isOutOfMemory, madeUpTokens, type SamplingOptions, throwIfAborted } from '@outrider/transformer'
import { SpeculativeBatch, type SpeculativeBatchOptions } from '../batch/speculative-batch'
import type { Target } from '../decoder'
import type { DraftChoice, DraftLengthPolicy } from '../draft-length/policy'
import type { BatchStepSeconds } from '../draft-length/step-costs'
import { asDrafter } from '../drafter/as-drafter'
import type { Drafter, Offer } from '../drafter/drafter'
import { madeUpDrafts } from '../drafter/made-up-drafts'
import type { MeasuringOptions } from './in-turns'

export interface MeasureBatchStepsOptions
  extends Pick<SpeculativeBatchOptions, 'target' | 'drafter' | 'verification'>,
    Omit<MeasuringOptions, 'repetitions'> {
  /** The most sequences. Default 16. */
  size?: number
  /** How tokens are drawn. Default at temperature 1. */
  sampling?: SamplingOptions
  /** After so many seconds no further step is measured. Default 2. */
  mostSeconds?: number
}

/** γ of all sequences. */
const draftLengths = [0, 5, 2]
/** The first step says what prompts left to say, in the second a draft reads them. */
const unmeasured = 2
const measured = 2

/**
 * Measures what steps of a batch take in which 2, 4, 8, … sequences decode plainly, or are all drafted for as far: what each of them
 * costs beside the rows of a pass, and draft steps over several, of which blocks of one sequence (`measureCosts`) say nothing. On made-up
 * text, in a batch of its own, which is freed. What compiles is in the times: warm up before (`SpeculativeBatch.warmUp`).
 *
 * @returns what there was time and memory for, fewer sequences first
 * @throws OutriderError ABORTED when the signal says so; NOT_FINITE where logits are no numbers
 */
export async function measureBatchSteps({
  target,
  drafter: asked,
  verification = 'block',
  size = 16,
  sampling = { temperature: 1 },
  mostSeconds = 2,
  now = () => performance.now() / 1000,
  inTurn = (measurement) => measurement(),
  signal,
}: MeasureBatchStepsOptions): Promise<BatchStepSeconds[]> {
  const drafter = modelsOrNone(asDrafter(target, asked))
  const steps: BatchStepSeconds[] = []
  const end = now() + mostSeconds
  const kinds = countsUpTo(size).flatMap((sequences) => draftLengths.map((draftLength) => ({ sequences, draftLength })))
  for (const { sequences, draftLength } of kinds)
    try {
      using batch = new SpeculativeBatch({ target, drafter, verification, size: sequences, now })
      const policy = new Recorded(draftLength)
      if (!joinAll(batch, { target, sequences, sampling, policy })) break
      for (let step = 0; step < unmeasured + measured; step++) {
        throwIfAborted(signal)
        if (now() > end) return steps
        policy.choices = []
        const [count, seconds] = await inTurn(async () => {
          await target.model.device.idle()
          const begin = now()
          const blocks = await batch.step()
          return [blocks.length, now() - begin] as const
        })
        // Some may have ended.
        if (step >= unmeasured && count === sequences) steps.push({ sequences, choices: policy.choices, seconds })
      }
    } catch (error) {
      if (!isOutOfMemory(error)) throw error
      break
    }
  return steps
}

interface Joining {
  target: Target
  sequences: number
  sampling: SamplingOptions
  policy: Recorded
}

/** @returns whether all have room */
function joinAll(batch: SpeculativeBatch, { target, sequences, sampling, policy }: Joining): boolean {
  const maxTokens = (unmeasured + measured) * (policy.draftLength + 1)
  for (let i = 0; i < sequences; i++) {
    // Of unequal lengths, as those that come and go.
    const prompt = madeUpTokens(1 + (i % 3), target.config.vocabularySize)
    if (!batch.fits(prompt.length + maxTokens)) return false
    batch.join(prompt, { ...sampling, maxTokens, draftLength: policy })
  }
  return true
}

/** Powers of two from two on, and the most. */
function countsUpTo(most: number): number[] {
  const counts: number[] = []
  for (let count = 2; count < most; count *= 2) counts.push(count)
  return most > 1 ? [...counts, most] : counts
}

/** What looks tokens up finds none in made-up text; that it costs nothing is all that there is to know. */
const modelsOrNone = (drafter: Drafter): Drafter => (drafter.models?.length ? drafter : madeUpDrafts)

/** γ of a model, and what it chose for all that share it since it was last asked. */
class Recorded implements DraftLengthPolicy {
  readonly draftLength: number
  choices: DraftChoice[] = []

  constructor(draftLength: number) {
    this.draftLength = draftLength
  }

  next(offers: readonly Offer[]): DraftChoice | null {
    const offer = offers.find(({ unread }) => unread !== undefined) ?? offers[0]
    if (!offer || this.draftLength === 0) return null
    const choice = { offer, draftLength: Math.min(this.draftLength, offer.length) }
    this.choices.push(choice)
    return choice
  }

  observe(): void {}
}

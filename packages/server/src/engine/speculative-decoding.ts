import {
  type Block,
  type Drafter,
  type DraftLengthPolicy,
  type DraftStop,
  SpeculativeDecoder,
  type StepCosts,
  type Verification,
} from '@outrider/speculative'
import type { CausalLM, Generation, PretrainedModel } from '@outrider/transformer'
import type { Decoding, OnAnswer } from './decoding'
import type { Job } from './job'
import { BlockHistogram } from './speculation-report'

export interface SpeculativeDecodingOptions {
  target: PretrainedModel<CausalLM>
  drafter: PretrainedModel<CausalLM> | Drafter
  /** γ of requests that do not say theirs; 'auto' is the policy below, or for requests with a seed one of their own. */
  draftLength: number | 'auto'
  /** Where drafts of a model end early; 'auto' is what `auto` chooses, or for requests with a number for γ by costs. */
  draftStop: DraftStop | 'auto' | undefined
  /** Learns from all requests what acceptance is and what blocks take. */
  auto: DraftLengthPolicy
  /** Measured costs of steps, also for the break-even α; requests with a seed must not be decoded by them. */
  costs: StepCosts
  verification: Verification
  /** For answers that are to repeat themselves. */
  reproducibleDrafter: PretrainedModel<CausalLM> | Drafter
  /** Called for each block in which something was drafted. */
  onDraft: (block: Pick<Block, 'drafted' | 'accepted' | 'drafter'>) => void
  /** Called with each answer that came to its end. */
  onAnswer: OnAnswer
}

interface Running {
  blocks: Generation<Block>
  decoder: SpeculativeDecoder
  histogram: BlockHistogram
}

/** Decodes each job speculatively, in its own blocks; the jobs take turns, a block each. */
export function speculativeDecoding(options: SpeculativeDecodingOptions): Decoding {
  const { target, draftStop, auto, costs, verification, onDraft, onAnswer } = options
  const running = new Map<Job, Running>()
  const making = { target, verification }
  const drafted = (draftLength: number | 'auto') =>
    draftLength === 'auto'
      ? { draftLength: auto, draftStop: draftStop === 'auto' ? undefined : draftStop }
      : { draftLength, draftStop }

  const step = async (job: Job, { blocks, decoder, histogram }: Running) => {
    const { done, value } = await blocks.next()
    if (done) return
    const { tokens, text, scored, drafted, finishReason } = value
    histogram.record(value)
    if (drafted > 0) onDraft(value)
    job.add({ tokens, text, scored })
    if (!finishReason) return
    running.delete(job)
    await blocks.next() // its return frees what it holds
    onAnswer({ prompt: job.request.prompt, tokens: (await blocks.result).tokens })
    job.finish({ finishReason, speculation: histogram.report(decoder.metrics.withCosts(costs)) })
  }

  return {
    fits: () => true,
    begin(job) {
      const { prompt, draftLength: asked, seeded, ...request } = job.request
      const wanted = asked ?? options.draftLength
      // What the clock and other requests taught must not matter where the same answer is expected again.
      const repeats = seeded && request.temperature > 0
      const decoder = repeats
        ? new SpeculativeDecoder({ ...making, drafter: options.reproducibleDrafter, draftLength: wanted, draftStop })
        : new SpeculativeDecoder({ ...making, drafter: options.drafter, ...drafted(wanted), costs })
      const blocks = decoder.generate(prompt, { ...request, reproducible: seeded })
      running.set(job, { decoder, blocks, histogram: new BlockHistogram() })
    },
    async step() {
      for (const [job, state] of [...running])
        try {
          await step(job, state)
        } catch (error) {
          running.delete(job)
          job.fail(error)
        }
    },
    async drop(job) {
      const state = running.get(job)
      running.delete(job)
      await state?.blocks.return()
    },
  }
}

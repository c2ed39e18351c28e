import {
  type Block,
  type Drafter,
  type DraftLengthPolicy,
  SpeculativeDecoder,
  type StepCosts,
  type Verification,
} from '@outrider/speculative'
import type { GenerationResult, PretrainedModel } from '@outrider/transformer'
import type { GenerationRequest } from '../requests/generation-request'
import type { Decoding } from './decoding'
import type { Job } from './job'
import { BlockHistogram } from './speculation-report'

export interface SpeculativeDecodingOptions {
  target: PretrainedModel
  drafter: PretrainedModel | Drafter
  /** γ of requests that do not say theirs; 'auto' is the policy below. */
  draftLength: number | 'auto'
  /** Learns from all requests what acceptance is. */
  auto: DraftLengthPolicy
  /** Measured costs of steps, for the break-even α. */
  costs: StepCosts
  verification: Verification
  /** Called for each block in which something was drafted. */
  onDraft: (block: Pick<Block, 'drafted' | 'accepted'>) => void
}

/**
 * γ of a request with a seed, where lengths are chosen by measured times: times differ from run to run, random numbers go with
 * blocks, and a seed promises the same answer again.
 */
const seededDraftLength = 4

interface Running {
  blocks: AsyncGenerator<Block, GenerationResult, undefined>
  decoder: SpeculativeDecoder
  histogram: BlockHistogram
}

/** Decodes each job speculatively, in its own blocks; the jobs take turns, a block each. */
export function speculativeDecoding(options: SpeculativeDecodingOptions): Decoding {
  const { target, drafter, auto, costs, verification, onDraft } = options
  const running = new Map<Job, Running>()

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
    job.finish({ finishReason, speculation: histogram.report(decoder.metrics) })
  }

  return {
    fits: () => true,
    begin(job) {
      const { prompt, draftLength: _, seeded: __, ...request } = job.request
      const draftLength = lengthFor(job.request, options.draftLength)
      const decoder = new SpeculativeDecoder({
        target,
        drafter,
        draftLength: draftLength === 'auto' ? auto : draftLength,
        verification,
      })
      decoder.metrics.costs = costs
      running.set(job, { decoder, blocks: decoder.generate(prompt, request), histogram: new BlockHistogram() })
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
      await state?.blocks.return(undefined as never)
    },
  }
}

function lengthFor(
  { draftLength, seeded, temperature }: GenerationRequest,
  otherwise: number | 'auto',
): number | 'auto' {
  const length = draftLength ?? otherwise
  return length === 'auto' && seeded && temperature > 0 ? seededDraftLength : length
}

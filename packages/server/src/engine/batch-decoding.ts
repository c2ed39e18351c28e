import { isOutOfMemory, type PrefixCache } from '@outrider/transformer'
import type { GenerationRequest } from '../requests/generation-request'
import type { Decoding, OnAnswer } from './decoding'
import type { Ending, Job, Piece } from './job'

/** What a step of a batch added to one of its sequences, and how that ended, if it did. */
export interface Added<Sequence> {
  sequence: Sequence
  piece: Piece
  /** With all tokens of the answer. */
  ending?: { ending: Ending; tokens: readonly number[] } | undefined
}

/** A batch that sequences join and leave between steps. */
export interface JobBatch<Sequence> {
  fits(tokens: number): boolean
  growth(tokens?: number): number | undefined
  trim?(): void
  /** Set by who is to be told of a sequence that has failed alone; it has left. */
  onFailure: ((sequence: Sequence, error: unknown) => void) | undefined
  join(request: GenerationRequest): Sequence
  leave(sequence: Sequence): void
  step(): Promise<Added<Sequence>[]>
  /** Ends all sequences; it is as usable as a new one. */
  dispose(): void
}

export interface BatchDecodingOptions {
  /** Called with each answer that came to its end. */
  onAnswer?: OnAnswer | undefined
  /** What is kept of prompts, on the memory that jobs need before it. */
  prefixes?: PrefixCache | undefined
}

/** Decodes jobs in one batch. */
export function batchDecoding<Sequence extends { readonly cachedTokens: number }>(
  batch: JobBatch<Sequence>,
  { onAnswer = () => {}, prefixes }: BatchDecodingOptions,
): Decoding {
  const sequences = new Map<Job, Sequence>()
  const jobs = new Map<Sequence, Job>()
  const forget = (job: Job) => {
    jobs.delete(sequences.get(job)!)
    sequences.delete(job)
  }
  const join = (request: GenerationRequest) => {
    try {
      return batch.join(request)
    } catch (error) {
      if (!isOutOfMemory(error) || !prefixes?.blocks) throw error
      prefixes.clear()
      return batch.join(request)
    }
  }
  batch.onFailure = (sequence, error) => {
    const job = jobs.get(sequence)!
    forget(job)
    // Whoever comes next may have what was kept.
    if (isOutOfMemory(error)) prefixes?.clear()
    job.fail(error)
  }
  return {
    get count() {
      return sequences.size
    },
    fits: ({ prompt, maxTokens }) => batch.fits(prompt.length + maxTokens),
    growth: (request) => batch.growth(request && request.prompt.length + request.maxTokens) ?? 0,
    trim: () => batch.trim?.(),
    begin(job) {
      const sequence = join(job.request)
      sequences.set(job, sequence)
      jobs.set(sequence, job)
    },
    async step() {
      try {
        for (const { sequence, piece, ending } of await batch.step()) {
          const job = jobs.get(sequence)!
          job.cachedTokens = sequence.cachedTokens
          job.add(piece)
          if (!ending) continue
          forget(job)
          onAnswer({ prompt: job.request.prompt, tokens: ending.tokens })
          job.finish(ending.ending)
        }
      } catch (error) {
        // A batch that failed in the middle of a step is no longer what its members believe.
        batch.dispose()
        // It may have been for want of memory.
        prefixes?.clear()
        for (const job of sequences.keys()) job.fail(error)
        sequences.clear()
        jobs.clear()
      }
    },
    async drop(job) {
      const sequence = sequences.get(job)
      if (sequence === undefined) return
      batch.leave(sequence)
      forget(job)
    },
  }
}

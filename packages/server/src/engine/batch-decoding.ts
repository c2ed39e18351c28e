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
  join(request: GenerationRequest): Sequence
  leave(sequence: Sequence): void
  step(): Promise<Added<Sequence>[]>
  /** Ends all sequences; it is as usable as a new one. */
  dispose(): void
}

/** Decodes jobs in one batch. */
export function batchDecoding<Sequence>(batch: JobBatch<Sequence>, onAnswer: OnAnswer = () => {}): Decoding {
  const sequences = new Map<Job, Sequence>()
  const jobs = new Map<Sequence, Job>()
  const forget = (job: Job) => {
    jobs.delete(sequences.get(job)!)
    sequences.delete(job)
  }
  return {
    fits: ({ prompt, maxTokens }) => batch.fits(prompt.length + maxTokens),
    begin(job) {
      const sequence = batch.join(job.request)
      sequences.set(job, sequence)
      jobs.set(sequence, job)
    },
    async step() {
      try {
        for (const { sequence, piece, ending } of await batch.step()) {
          const job = jobs.get(sequence)!
          job.add(piece)
          if (!ending) continue
          forget(job)
          onAnswer({ prompt: job.request.prompt, tokens: ending.tokens })
          job.finish(ending.ending)
        }
      } catch (error) {
        // A batch that failed in the middle of a step is no longer what its members believe.
        batch.dispose()
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

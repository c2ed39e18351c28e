import type { BatchSequence, ContinuousBatch } from '@outrider/transformer'
import type { Decoding, OnAnswer } from './decoding'
import type { Job } from './job'

/** Decodes jobs token by token, all in one batch. */
export function plainDecoding(batch: ContinuousBatch, onAnswer: OnAnswer = () => {}): Decoding {
  const sequences = new Map<Job, BatchSequence>()
  const jobs = new Map<BatchSequence, Job>()
  const forget = (job: Job) => {
    jobs.delete(sequences.get(job)!)
    sequences.delete(job)
  }
  return {
    fits: ({ prompt, maxTokens }) => batch.fits(prompt.length + maxTokens),
    begin(job) {
      const { prompt, ...options } = job.request
      const sequence = batch.join(prompt, options)
      sequences.set(job, sequence)
      jobs.set(sequence, job)
    },
    async step() {
      try {
        for (const { sequence, token, text, scored } of await batch.step()) {
          const job = jobs.get(sequence)!
          job.add({ tokens: [token], text, scored: scored && [scored] })
          const { finishReason } = sequence.answer
          if (!finishReason) continue
          forget(job)
          onAnswer({ prompt: job.request.prompt, tokens: sequence.answer.tokens })
          job.finish({ finishReason })
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
      if (!sequence) return
      batch.leave(sequence)
      forget(job)
    },
  }
}

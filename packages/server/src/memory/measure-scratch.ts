import { firstOf, madeUpDrafts, maxDraftLength, modelDrafter, SpeculativeBatch } from '@outrider/speculative'
import {
  type CausalLM,
  ContinuousBatch,
  madeUpTokens,
  type PretrainedModel,
  prefillPositions,
} from '@outrider/transformer'
import type { LoadedDraft } from '../drafts/served-draft'
import type { ServerOptions } from '../server-options'

/** Bytes that are taken for a moment, beside keys and values. */
export interface Scratch {
  /** By the longest pass over a prompt. */
  pass: number
  /** By each sequence in a step, with what its draft holds. */
  step: number
}

/** Rows of the prompt that is measured: of more of them a pass takes no more than in proportion. */
const measuredRows = 64

/** Buffers are rounded up to at most so much more than what lies in them. */
const rounding = 1.25

/**
 * Measures what passes take for a moment, by a made-up sequence with the longest draft, scored, drawn with all that a draw can take.
 * Nobody else may compute meanwhile.
 */
export async function measureScratch(
  target: PretrainedModel<CausalLM>,
  draft: Pick<LoadedDraft, 'drafter'> | undefined,
  { verification }: Required<Pick<ServerOptions, 'verification'>>,
): Promise<Scratch> {
  const { device } = target.model
  const { contextLength, vocabularySize } = target.config
  const maxTokens = Math.min(maxDraftLength + 2, contextLength - 1)
  const prompt = madeUpTokens(Math.min(measuredRows, contextLength - maxTokens), vocabularySize)
  const asked = { maxTokens, temperature: 1, topP: 0.9, presencePenalty: 0.1, logProbabilities: 20 }
  await device.idle()
  const before = device.memory.liveBytes
  device.resetPeak()
  const batch = draft
    ? new SpeculativeBatch({ target, drafter: drafterOf(draft.drafter), verification, size: 1 })
    : new ContinuousBatch(target, { size: 1 })
  try {
    if (batch instanceof SpeculativeBatch) batch.join(prompt, { ...asked, draftLength: maxDraftLength })
    else batch.join(prompt, asked)
    const pass = device.memory.peakBytes - before
    device.resetPeak()
    for (let step = 0; step < 2; step++) await batch.step()
    await device.idle()
    const rows = Math.min(prefillPositions, contextLength)
    return {
      pass: Math.ceil((rounding * pass * rows) / prompt.length),
      step: Math.ceil(rounding * (device.memory.peakBytes - before)),
    }
  } finally {
    batch.dispose()
  }
}

/** What looks up finds nothing in made-up text. */
const drafterOf = (drafter: LoadedDraft['drafter']) =>
  firstOf('open' in drafter ? drafter : modelDrafter(drafter.model), madeUpDrafts)

import { OutriderError } from '@outrider/tensor'
import { loadCausalLM, type PretrainedModel, saveCausalLM } from '@outrider/transformer'
import type { Run } from './run'

/**
 * Writes the draft where the user wants it. Its generation_config.json says how many tokens it is to draft: transformers reads
 * that there, and nowhere else (5.24).
 */
export async function saveDraft({ out, plan }: Pick<Run, 'out' | 'plan'>, draft: PretrainedModel): Promise<void> {
  const assistant = { draftLength: plan.draftLength, confidenceThreshold: leastConfidence }
  await saveCausalLM(draft, out, { assistant })
}

/** Below which transformers drafts no further: its own default. */
const leastConfidence = 0.4

/** The draft as it was written. Whoever asks for it disposes of it. */
export async function writtenDraft({ device, out }: Pick<Run, 'device' | 'out'>): Promise<PretrainedModel> {
  if (await out.has('config.json')) return loadCausalLM(out, { device })
  throw new OutriderError('FILE_MISSING', `${out.name} has no draft.`, {
    remedy: 'Let the stages pretrain and distill go first.',
  })
}

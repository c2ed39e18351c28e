import { type PretrainedModel, saveCausalLM } from '@outrider/transformer'
import type { Run } from './run'

/**
 * Writes the draft where the user wants it. Its generation_config.json says how many tokens it is to draft: transformers reads
 * that there, and nowhere else (5.24).
 */
export async function saveDraft({ out, plan }: Pick<Run, 'out' | 'plan'>, draft: PretrainedModel): Promise<void> {
  const { generationConfig } = draft
  const others = {
    ...generationConfig.others,
    num_assistant_tokens: plan.draftLength,
    num_assistant_tokens_schedule: 'constant',
    assistant_confidence_threshold: leastConfidence,
  }
  await saveCausalLM({ ...draft, generationConfig: { ...generationConfig, others } }, out)
}

/** Below which transformers drafts no further: its own default. */
const leastConfidence = 0.4

import { openCausalLM, type PretrainedModel } from '@outrider/transformer'
import { bundledTarget } from '../demo/bundled-target'
import { ChatSession } from './session'

/** A session of the bundled model as far as its files tell: all but answering works, and no device is needed. */
export async function unansweredSession({ draft = true } = {}): Promise<ChatSession> {
  const opened = await openCausalLM(bundledTarget())
  const target = { ...opened, model: { device: {}, config: opened.config } } as unknown as PretrainedModel
  return new ChatSession({
    target,
    draft: draft ? { name: 'a draft', lookup: false, answers: undefined, model: target, folder: undefined } : undefined,
    settings: {
      temperature: 0.7,
      topK: 0,
      topP: 0.95,
      minP: 0,
      repetitionPenalty: 1,
      presencePenalty: 0,
      frequencyPenalty: 0,
      seed: 0,
      maxTokens: 32,
      draftLength: 'auto',
      verification: 'block',
      drafting: true,
      lookup: false,
    },
  })
}

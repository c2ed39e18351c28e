import type { Device } from '@outrider/tensor'
import {
  byteTokenizer,
  ChatTemplate,
  Llama,
  type ModelConfig,
  type PretrainedModel,
  pretrainedModel,
} from '@outrider/transformer'
import { tinyConfig } from '../../transformer/src/pretrained/tiny-model.fixture'
import type { Speaker } from './tokenize/example'

const config: ModelConfig = {
  ...tinyConfig,
  vocabularySize: 260,
  contextLength: 96,
  eosTokenIds: [257],
  initializerRange: 0.3,
}

/** Token b is byte b; 256 begins a text, 257 ends a turn, 258 and 259 stand before a user's and an assistant's message. */
export const chatSpeaker: Speaker = {
  tokenizer: byteTokenizer({ specialTokens: ['<s>', '</s>', '<user>', '<assistant>'] }),
  chatTemplate: new ChatTemplate(
    "<s>{% for m in messages %}{{ '<' + m.role + '>' + m.content + '</s>\n' }}{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}",
  ),
  generationConfig: { bosTokenId: 256, eosTokenIds: [257] },
  config,
}

const { chatTemplate: _, ...plain } = chatSpeaker
/** Of the same tokenizer, but a base model: it has no chat template. */
export const plainSpeaker: Speaker = plain

/** A random chat model of a few thousand weights. */
export function tinyModel(device: Device): PretrainedModel {
  return pretrainedModel(Llama.initialize(device, config, { seed: 3 }), { ...chatSpeaker, source: 'tiny' })
}

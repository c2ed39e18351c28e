import { endKeys } from './answer-end'
import { isAbsent, type Json, malformed } from './fields'

/** Keys of a row, or of a message in it, in three lists; a key in none of them is ignored, and named once a file. */
export interface KeyLists {
  used: readonly string[]
  /** Neither what is asked nor what is answered. */
  harmless: readonly string[]
  /** What would be asked, answered or learned otherwise; and why it is not read. */
  refused: readonly { why: string; keys: readonly string[] }[]
}

const media = 'pictures, sound and films are not read'
const tools = 'tools and calls of them are not read'

/** Keys of rows, as TRL, axolotl, LLaMA-Factory, OpenAI and well-known data sets have them. */
export const rowKeys: KeyLists = {
  // biome-ignore format: lists
  used: [
    'messages', 'conversations', 'conversation', 'instruction', 'input', 'context', 'output', 'instances', 'prompt', 'completion',
    'response', 'turns', 'question', 'query', 'answer', 'text', 'system', 'system_prompt', 'history', 'category', 'task',
    'input_ids', 'labels', 'attention_mask', 'loss_mask', 'completion_mask', 'assistant_masks',
    'completion_ids', ...endKeys,
  ],
  // biome-ignore format: lists
  harmless: [
    'id', 'idx', 'index', 'uuid', 'hash', '_id', '__index_level_0__', 'prompt_id', 'question_id', 'conversation_id', 'conversation_hash',
    'dialogue_id', 'message_id', 'parent_id', 'custom_id', 'source', 'dataset', 'origin', 'provenance', 'url', 'title', 'subset', 'split',
    'model', 'model_id', 'language', 'lang', 'timestamp', 'date', 'created', 'created_at', 'topic', 'subject', 'tags', 'type', 'difficulty',
    'quality', 'score', 'metadata', 'meta', 'reference', 'turn', 'temperature', 'top_p', 'toxic', 'redacted', 'openai_moderation',
    'hashed_ip', 'header', 'country', 'state', 'license', 'token_count', 'num_tokens', 'num_turns', 'length', 'token_type_ids',
    'special_tokens_mask', 'parallel_tool_calls', 'original_question', 'question_type', 'dump', 'file_path', 'language_score', 'embedding',
    'label', 'answers', 'name', 'is_classification', 'score_chosen', 'score_rejected',
  ],
  // biome-ignore format: lists
  refused: [
    { why: 'it belongs to preferences, which are not learned from', keys: [
      'chosen', 'rejected', 'preferred_output', 'non_preferred_output', 'kto_tag', 'completions', 'rejected_response',
    ] },
    { why: media, keys: ['images', 'image', 'videos', 'video', 'audios', 'audio'] },
    { why: tools, keys: ['tools', 'functions', 'tool_choice', 'function_call'] },
    { why: 'rows have no templates or documents of their own here', keys: ['chat_template', 'chat_template_kwargs', 'documents'] },
    { why: 'every row weighs the same', keys: ['weight', 'sample_weight'] },
    { why: 'what is learned of a row is said by messages, or by labels beside input_ids', keys: ['segments'] },
    { why: 'tokens stand where they are in the row', keys: ['position_ids'] },
    { why: 'rows that hold several are not told apart', keys: ['seq_lengths'] },
  ],
}

/** Keys of a message. */
export const messageKeys: KeyLists = {
  used: ['role', 'content', 'from', 'value', 'weight', 'train', 'training', 'loss', 'loss_mask', ...endKeys],
  // biome-ignore format: lists
  harmless: [
    'name', 'id', 'tool_call_id', 'turn_identifier', 'model', 'language', 'lang', 'timestamp', 'date', 'created', 'score', 'rating',
    'token_count', 'tokens', 'toxic', 'redacted', 'hashed_ip', 'header', 'country', 'state', 'text', 'markdown', 'metadata',
  ],
  // biome-ignore format: lists
  refused: [
    { why: tools, keys: ['tool_calls', 'function_call', 'tool_responses'] },
    { why: media, keys: ['images', 'image', 'videos', 'video', 'audio'] },
    { why: 'thoughts beside the answer are not read', keys: ['reasoning_content', 'reasoning', 'thinking'] },
    { why: 'an answer is learned whole or not at all', keys: ['training_detail', 'train_detail'] },
    { why: 'an answer is its content', keys: ['refusal', 'prefix'] },
  ],
}

/** Refuses an object that says something under a key that would count and is not read. */
export function refuseKeys(object: Json, lists: KeyLists, where: string): void {
  for (const [key, value] of Object.entries(object)) {
    const why = refusal(lists, key)
    if (why === undefined || saysNothing(object, key, value)) continue
    throw malformed(where, `${key} is not supported: ${why}`, `Take ${key} out of the rows, or leave this one out.`)
  }
}

/** Why a key is refused; undefined for any other. */
export const refusal = ({ refused }: KeyLists, key: string): string | undefined =>
  refused.find(({ keys }) => keys.includes(key))?.why

/** The keys of an object that are in no list. */
export const unknownKeys = (object: Json, lists: KeyLists): string[] =>
  Object.keys(object).filter(
    (key) =>
      !lists.used.includes(key) &&
      !lists.harmless.includes(key) &&
      refusal(lists, key) === undefined &&
      !isAbsent(object[key]),
  )

/** Whether what stands under a refused key is as if it did not. */
function saysNothing(object: Json, key: string, value: unknown): boolean {
  if (isEmpty(value)) return true
  if (key === 'weight' || key === 'sample_weight') return value === 1
  if (key === 'position_ids') return Array.isArray(value) && value.every((position, i) => position === i)
  if (key === 'prefix') return value === false
  if (key === 'function_call' || key === 'tool_choice')
    return value === 'none' || (value === 'auto' && isEmpty(object.tools) && isEmpty(object.functions))
  return false
}

const isEmpty = (value: unknown): boolean =>
  isAbsent(value) ||
  value === '' ||
  value === '[]' ||
  (typeof value === 'object' && (Array.isArray(value) ? value : Object.values(value!)).every(isEmpty))

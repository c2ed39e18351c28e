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
const thoughts = 'thoughts beside the answer are not read'
// biome-ignore format: a list
const thoughtKeys = [
  'reasoning_content', 'reasoning', 'reasoning_details', 'thinking', 'thinking_blocks', 'thought', 'thoughts', 'cot', 'chain_of_thought',
  'rationale',
]

/** Keys of rows, as TRL, axolotl, LLaMA-Factory, OpenAI and well-known data sets have them. */
export const rowKeys: KeyLists = {
  // biome-ignore format: lists
  used: [
    'messages', 'conversations', 'conversation', 'instruction', 'input', 'context', 'output', 'instances', 'prompt', 'completion',
    'response', 'turns', 'question', 'query', 'answer', 'text', 'system', 'system_prompt', 'system_message', 'system_instruction',
    'systemPrompt', 'history', 'category', 'task', 'passage', 'paragraph', 'document', 'article', 'background', 'choices', 'options',
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
    'label', 'answers', 'name', 'is_classification', 'score_chosen', 'score_rejected', 'overflowing_tokens', 'num_truncated_tokens',
    'overflow_to_sample_mapping', 'offset_mapping', 'word_ids', 'logprobs', 'top_ids', 'top_log_probabilities', 'log_rest',
  ],
  // biome-ignore format: lists
  refused: [
    { why: 'it belongs to preferences, which are not learned from', keys: [
      'chosen', 'rejected', 'preferred_output', 'non_preferred_output', 'kto_tag', 'completions', 'rejected_response', 'chosen_response',
    ] },
    { why: media, keys: ['images', 'image', 'videos', 'video', 'audios', 'audio'] },
    { why: tools, keys: ['tools', 'functions', 'tool_choice', 'function_call'] },
    { why: 'rows have no templates or documents of their own here', keys: [
      'chat_template', 'chat_template_kwargs', 'documents', 'add_generation_prompt', 'continue_final_message',
    ] },
    { why: thoughts, keys: thoughtKeys },
    { why: 'every row weighs the same', keys: ['weight', 'sample_weight', 'loss_weight', 'loss_scale'] },
    { why: 'of a conversation the answers are learned, and a message says by weight 0 that it is not', keys: ['mask', 'train_on_inputs'] },
    { why: 'what was said before is history, or messages', keys: ['chat_history', 'conversation_history', 'dialogue_history'] },
    { why: 'what is to be filled in is written into the prompt, with the marks of the model', keys: ['suffix'] },
    { why: 'what the target says is computed anew', keys: [
      'teacher_logits', 'teacher_logprobs', 'target_logits', 'target_logprobs', 'target_token_ids', 'inputs_embeds',
    ] },
    { why: 'which tokens are learned is said by labels or loss_mask', keys: [
      'label_ids', 'target_ids', 'label_mask', 'labels_mask', 'target_mask', 'loss_masks', 'assistant_mask', 'response_mask',
      'action_mask', 'prompt_mask', 'prompt_length', 'prompt_len', 'source_len', 'weights', 'loss_weights',
    ] },
    { why: 'what is learned of a row is said by messages, or by labels beside input_ids', keys: ['segments'] },
    { why: 'tokens stand where they are in the row', keys: ['position_ids'] },
    { why: 'rows that hold several are not told apart', keys: [
      'seq_lengths', 'cu_seqlens', 'cu_seq_lens', 'sample_ids', 'segment_ids', 'document_ids', 'doc_ids', 'sequence_ids',
    ] },
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
    { why: tools, keys: ['tool_calls', 'function_call', 'tool_responses', 'tool_plan'] },
    { why: media, keys: ['images', 'image', 'videos', 'video', 'audio'] },
    { why: thoughts, keys: thoughtKeys },
    { why: 'whether an answer is learned is said by weight, 0 or 1', keys: [
      'mask', 'masked', 'is_masked', 'ignore', 'ignore_loss', 'learn', 'trainable', 'loss_scale', 'loss_weight',
    ] },
    { why: 'messages have no channels', keys: ['channel', 'recipient'] },
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
  if (['weight', 'sample_weight', 'loss_weight', 'loss_scale'].includes(key)) return value === 1
  if (['add_generation_prompt', 'continue_final_message', 'train_on_inputs'].includes(key)) return value === false
  if (key === 'position_ids') return isInOrder(value, object.attention_mask)
  if (key === 'prefix') return value === false
  if (key === 'function_call' || key === 'tool_choice')
    return value === 'none' || (value === 'auto' && isEmpty(object.tools) && isEmpty(object.functions))
  return false
}

/** Whether positions count from 0 on, over what is no padding. */
function isInOrder(positions: unknown, attended: unknown): boolean {
  if (!Array.isArray(positions)) return false
  const kept = Array.isArray(attended) ? positions.filter((_, i) => attended[i] !== 0) : positions
  return kept.every((position, i) => position === i)
}

const isEmpty = (value: unknown): boolean =>
  isAbsent(value) ||
  value === '' ||
  value === '[]' ||
  (typeof value === 'object' && (Array.isArray(value) ? value : Object.values(value!)).every(isEmpty))

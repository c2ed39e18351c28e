import { Template } from '@huggingface/jinja'
import { OutriderError } from '@outrider/tensor'
import { parseJson } from '../files/json'
import { beyondTemplateLimit, renderBounded, type TemplateLimits, templateLimits } from './bounded-interpreter'
import { type NamedSpecialTokens, namedSpecialTokens } from './special-tokens'
import type { JsonFile } from './tokenizer'

export interface ChatMessage {
  role: 'system' | 'user' | 'assistant' | (string & {})
  content: string
}

/** How a chat model expects a conversation to be written: a Jinja template, as transformers renders it. */
export class ChatTemplate {
  /** The template's text. */
  readonly source: string
  readonly #program: Template['parsed']
  readonly #tokens: NamedSpecialTokens
  readonly #ownFile: boolean
  readonly #limits: TemplateLimits

  /**
   * @param source   the Jinja template
   * @param tokens   pieces of the special tokens it may use: bos_token, eos_token and so on
   * @param options.limits  what it may take, where that is not the default
   * @throws OutriderError FILE_FORMAT for a template that cannot be parsed, TEMPLATE_LIMIT for one that is longer or nested
   *   deeper than any
   */
  constructor(
    source: string,
    tokens: NamedSpecialTokens = {},
    { ownFile = true, limits = {} }: { ownFile?: boolean; limits?: Partial<TemplateLimits> } = {},
  ) {
    this.source = source
    this.#tokens = tokens
    this.#ownFile = ownFile
    this.#limits = { ...templateLimits, ...limits }
    checkSource(source, this.#limits)
    try {
      this.#program = new Template(source).parsed
    } catch (cause) {
      // The parser has used up the stack.
      if (cause instanceof RangeError) throw beyondTemplateLimit('it is nested too deep', cause)
      throw new OutriderError('FILE_FORMAT', `The chat template cannot be parsed: ${(cause as Error).message}.`, {
        cause,
      })
    }
  }

  /**
   * The template of a model directory: chat_template.jinja where there is one, else `chat_template` of
   * tokenizer_config.json (the one named "default" of several); undefined where the model has none.
   *
   * @param tokens  pieces of the special tokens, where tokenizer_config.json alone does not name them
   */
  static fromConfig(
    tokenizerConfigJson: JsonFile,
    jinjaFile?: string,
    tokens?: NamedSpecialTokens,
  ): ChatTemplate | undefined {
    const config =
      typeof tokenizerConfigJson === 'string'
        ? parseJson(tokenizerConfigJson, 'tokenizer_config.json')
        : tokenizerConfigJson
    const fields = (config ?? {}) as Record<string, unknown>
    const source = jinjaFile ?? templateIn(fields.chat_template)
    if (source === undefined) return undefined
    return new ChatTemplate(source, tokens ?? namedSpecialTokens(fields), { ownFile: jinjaFile !== undefined })
  }

  /**
   * The conversation as text, with its special tokens written out: encode it with `addSpecialTokens: false`.
   *
   * @param options.addGenerationPrompt  whether the opening of the assistant's next message is added; default false
   * @throws OutriderError INVALID_ARGUMENT for an empty conversation, or one that the template refuses; TEMPLATE_LIMIT
   *   where the template takes more steps, text or time than any should
   */
  render(
    messages: readonly ChatMessage[],
    { addGenerationPrompt = false }: { addGenerationPrompt?: boolean } = {},
  ): string {
    if (messages.length === 0)
      throw new OutriderError('INVALID_ARGUMENT', 'The conversation is empty.', {
        remedy: 'Give at least one message.',
      })
    for (const [i, { role, content }] of messages.entries())
      if (typeof role !== 'string' || typeof content !== 'string')
        throw new OutriderError(
          'INVALID_ARGUMENT',
          `Message ${i} has no text as role and content: ${JSON.stringify(messages[i])}.`,
        )
    try {
      const variables = { ...this.#tokens, messages, add_generation_prompt: addGenerationPrompt }
      return renderBounded(this.#program, variables, this.#limits)
    } catch (cause) {
      if (cause instanceof OutriderError) throw cause
      if (cause instanceof RangeError) throw beyondTemplateLimit(cause.message, cause)
      throw new OutriderError(
        'INVALID_ARGUMENT',
        `The chat template refuses the conversation: ${(cause as Error).message}.`,
        {
          remedy: 'Roles usually alternate between user and assistant, after an optional system message.',
          cause,
        },
      )
    }
  }

  /** The file that holds the template; none where tokenizer_config.json has it. */
  toFiles(): Record<string, string> {
    return this.#ownFile ? { 'chat_template.jinja': this.source } : {}
  }
}

/** Before the engine's lexer and parser see it. */
function checkSource(source: string, { sourceCharacters, blanks }: TemplateLimits): void {
  if (source.length > sourceCharacters)
    throw beyondTemplateLimit(`it has ${source.length} characters, more than ${sourceCharacters}`)
  for (const [run] of source.matchAll(/\s+/g))
    if (run.length > blanks)
      throw beyondTemplateLimit(`it has ${run.length} characters of white space in a row, more than ${blanks}`)
}

function templateIn(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  if (!Array.isArray(value)) return undefined
  const named = value as { name?: unknown; template?: unknown }[]
  const chosen = named.find(({ name }) => name === 'default') ?? named[0]
  return typeof chosen?.template === 'string' ? chosen.template : undefined
}

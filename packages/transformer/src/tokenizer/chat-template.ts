import { Template } from '@huggingface/jinja'
import { OutriderError } from '@outrider/tensor'
import { parseJson } from '../files/directory'
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
  readonly #template: Template
  readonly #tokens: NamedSpecialTokens
  readonly #ownFile: boolean

  /**
   * @param source   the Jinja template
   * @param tokens   pieces of the special tokens it may use: bos_token, eos_token and so on
   * @throws OutriderError FILE_FORMAT for a template that cannot be parsed
   */
  constructor(source: string, tokens: NamedSpecialTokens = {}, { ownFile = true }: { ownFile?: boolean } = {}) {
    this.source = source
    this.#tokens = tokens
    this.#ownFile = ownFile
    try {
      this.#template = new Template(source)
    } catch (cause) {
      throw new OutriderError('FILE_FORMAT', `The chat template cannot be parsed: ${(cause as Error).message}.`, {
        cause,
      })
    }
  }

  /**
   * The template of a model directory: chat_template.jinja where there is one, else `chat_template` of
   * tokenizer_config.json (the one named "default" of several); undefined where the model has none.
   */
  static fromConfig(tokenizerConfigJson: JsonFile, jinjaFile?: string): ChatTemplate | undefined {
    const config =
      typeof tokenizerConfigJson === 'string'
        ? parseJson(tokenizerConfigJson, 'tokenizer_config.json')
        : tokenizerConfigJson
    const fields = (config ?? {}) as Record<string, unknown>
    const source = jinjaFile ?? templateIn(fields.chat_template)
    if (source === undefined) return undefined
    return new ChatTemplate(source, namedSpecialTokens(fields), { ownFile: jinjaFile !== undefined })
  }

  /**
   * The conversation as text, with its special tokens written out: encode it with `addSpecialTokens: false`.
   *
   * @param options.addGenerationPrompt  whether the opening of the assistant's next message is added; default false
   * @throws OutriderError INVALID_ARGUMENT for an empty conversation, or one that the template refuses
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
      return this.#template.render({ ...this.#tokens, messages, add_generation_prompt: addGenerationPrompt })
    } catch (cause) {
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

function templateIn(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  if (!Array.isArray(value)) return undefined
  const named = value as { name?: unknown; template?: unknown }[]
  const chosen = named.find(({ name }) => name === 'default') ?? named[0]
  return typeof chosen?.template === 'string' ? chosen.template : undefined
}

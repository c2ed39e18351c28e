import { OutriderError } from '@outrider/tensor'
import { type OnWarning, warnOfKeys } from '../files/file-warning'
import { parseJson } from '../files/json'
import { templateChoice } from './chat-template-choice'
import {
  beyondTemplateLimit,
  normalizedSource,
  type ParsedTemplate,
  parseTemplate,
  renderTemplate,
  type TemplateLimits,
  TemplateSyntaxError,
  templateLimits,
  UnsupportedInTemplate,
} from './jinja/index'
import { type NamedSpecialTokens, namedSpecialTokens } from './special-tokens'
import type { JsonFile } from './tokenizer'

export interface ChatMessage {
  role: 'system' | 'user' | 'assistant' | (string & {})
  content: string
}

/** Where a template comes from, and what was beside it. */
export interface ChatTemplateOptions {
  /** The file, as errors name it. */
  file?: string | undefined
  /** What it may take, where that is not the default. */
  limits?: Partial<TemplateLimits>
  /** Other templates of the model by their names, for tools and so on: not used, and saved with it. */
  others?: Readonly<Record<string, string>>
}

/**
 * How a chat model expects a conversation to be written: a Jinja template, as transformers 5.24 renders it with jinja2 3.1.6.
 * It is parsed when it is first needed: a model whose template cannot be parsed still completes text.
 */
export class ChatTemplate {
  /** The template's text. */
  readonly source: string
  /** Other templates of the model by their names, saved with it; none but `tool_use` is used. */
  readonly others: Readonly<Record<string, string>>
  readonly #tokens: NamedSpecialTokens
  readonly #file: string | undefined
  readonly #limits: TemplateLimits
  #program: ParsedTemplate | undefined
  #toolUse: ChatTemplate | undefined

  /**
   * @param source   the Jinja template
   * @param tokens   pieces of the special tokens it may use: bos_token, eos_token and so on
   * @param options.file    where it comes from, as errors name it
   * @param options.limits  what it may take, where that is not the default
   * @param options.others  other templates of the model by their names: saved with it
   */
  constructor(
    source: string,
    tokens: NamedSpecialTokens = {},
    { file, limits = {}, others = {} }: ChatTemplateOptions = {},
  ) {
    this.source = source
    this.#tokens = tokens
    this.#file = file
    this.#limits = { ...templateLimits, ...limits }
    this.others = others
  }

  /**
   * The template of a model directory: chat_template.jinja where there is one, else `chat_template` of
   * tokenizer_config.json; undefined where the model has none. Of several the one named "default" is used.
   *
   * @param tokenizerConfigJson  tokenizer_config.json
   * @param jinjaFile            chat_template.jinja, where there is one
   * @param options.where        where the files are, with a final slash, for errors
   * @param options.others       the files of additional_chat_templates by their names, without `.jinja`
   * @param options.tokens       pieces of the special tokens; those of tokenizer_config.json where left out
   * @param options.onWarning    is told where there are several templates and none of them is used
   */
  static fromConfig(
    tokenizerConfigJson: JsonFile,
    jinjaFile?: string,
    {
      where = '',
      others = {},
      tokens,
      onWarning,
    }: {
      where?: string
      others?: Readonly<Record<string, string>>
      tokens?: NamedSpecialTokens
      onWarning?: OnWarning | undefined
    } = {},
  ): ChatTemplate | undefined {
    const config =
      typeof tokenizerConfigJson === 'string'
        ? parseJson(tokenizerConfigJson, `${where}tokenizer_config.json`)
        : tokenizerConfigJson
    const fields = (config ?? {}) as Record<string, unknown>
    const choice = templateChoice(fields.chat_template, jinjaFile, others)
    if (choice.source === undefined) {
      const what = 'chat templates of which none is named default, so that none is used'
      warnOfKeys(onWarning, where + choice.file, Object.keys(choice.others), what)
      return undefined
    }
    return new ChatTemplate(choice.source, tokens ?? namedSpecialTokens(fields), {
      file: where + choice.file,
      others: choice.others,
    })
  }

  /**
   * The conversation as text, with its special tokens written out: encode it with `addSpecialTokens: false`. The template is
   * given what transformers gives it: the messages without what is null in them, the special tokens, `tools`, and `documents`
   * as none. With tools, the model's template named "tool_use" is used where there is one.
   *
   * @param options.addGenerationPrompt  whether the opening of the assistant's next message is added; default false
   * @param options.tools                functions that may be called, each as OpenAI's API describes it. Default none
   * @throws OutriderError INVALID_ARGUMENT for an empty conversation, or one that the template refuses; FILE_FORMAT for a
   *   template that cannot be parsed, UNSUPPORTED where it uses what is not implemented, both with file, line and column;
   *   TEMPLATE_LIMIT where it is longer or nested deeper than any, or takes more steps, text or time than any should
   */
  render(
    messages: readonly ChatMessage[],
    {
      addGenerationPrompt = false,
      tools,
    }: { addGenerationPrompt?: boolean; tools?: readonly object[] | undefined } = {},
  ): string {
    if (tools && this.others.tool_use !== undefined)
      return this.#forTools.render(messages, { addGenerationPrompt, tools })
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
    this.#program ??= this.#parsed()
    const variables = {
      ...this.#tokens,
      messages: messages.map(asTransformersPasses),
      tools: tools ?? null,
      documents: null,
      add_generation_prompt: addGenerationPrompt,
    }
    const rendered = renderTemplate(this.#program, variables, this.#limits)
    if ('text' in rendered) return rendered.text
    throw this.#failure(rendered.error, rendered.at)
  }

  get #forTools(): ChatTemplate {
    this.#toolUse ??= new ChatTemplate(this.others.tool_use!, this.#tokens, {
      file: this.#file && 'tool_use.jinja',
      limits: this.#limits,
    })
    return this.#toolUse
  }

  /** The files that hold the template, where transformers 5 looks; tokenizer_config.json has it too. */
  toFiles(): Record<string, string> {
    // A stranger chose the names: only what is the name of a file inside the folder becomes one.
    const others = Object.entries(this.others)
      .filter(([name]) => /^\w[\w.-]*$/.test(name))
      .map(([name, text]) => [`additional_chat_templates/${name}.jinja`, text])
    return { 'chat_template.jinja': this.source, ...Object.fromEntries(others) }
  }

  #parsed(): ParsedTemplate {
    const { sourceCharacters, depth } = this.#limits
    if (this.source.length > sourceCharacters)
      throw beyondTemplateLimit(`it has ${this.source.length} characters, more than ${sourceCharacters}`)
    try {
      return parseTemplate(this.source, depth)
    } catch (error) {
      throw this.#failure(error, 0)
    }
  }

  #failure(error: unknown, at: number): unknown {
    // What a conversation brings about is told to those who wrote it, perhaps over a network: where the file lies is not theirs.
    const nearby = this.#place(at, this.#file?.split('/').at(-1))
    if (error instanceof OutriderError) return error
    if (error instanceof RangeError) return beyondTemplateLimit(error.message, error)
    const message = (error as Error).message.replace(/\.$/, '')
    if (error instanceof TemplateSyntaxError) {
      const place = this.#place(error.at, this.#file)
      return new OutriderError('FILE_FORMAT', `The chat template cannot be parsed: ${place}: ${message}.`, {
        remedy: 'Without a conversation the model works all the same: give a plain prompt, or mend the template.',
        cause: error,
        details: { file: this.#file },
      })
    }
    if (error instanceof UnsupportedInTemplate)
      return new OutriderError('UNSUPPORTED', `${nearby}: the chat template uses ${message}, which is not supported.`, {
        remedy: 'Write the template without it, or give a plain prompt.',
        cause: error,
        details: { file: this.#file },
      })
    return new OutriderError('INVALID_ARGUMENT', `The chat template refuses the conversation: ${message}.`, {
      remedy: `It says so at ${nearby}. Roles usually alternate between user and assistant, after an optional system message.`,
      cause: error,
      details: { file: this.#file },
    })
  }

  /** `file:line:column`, from 1. */
  #place(at: number, file: string | undefined): string {
    const before = normalizedSource(this.source).slice(0, at).split('\n')
    const place = `${before.length}:${before.at(-1)!.length + 1}`
    return file === undefined ? `line ${place.replace(':', ', column ')}` : `${file}:${place}`
  }
}

/** The names of a message's thought: transformers takes each for the others. */
const thoughts = ['reasoning_content', 'thinking', 'reasoning']

/** A message as a template is given it: without what is null, its thought under the names that templates read. */
function asTransformersPasses(message: ChatMessage): Record<string, unknown> {
  const fields: Record<string, unknown> = Object.fromEntries(
    Object.entries(message).filter(([, value]) => value !== null && value !== undefined),
  )
  const thought = thoughts.map((name) => fields[name]).find((value) => value !== undefined)
  return thought === undefined ? fields : { thinking: thought, ...fields, reasoning_content: thought }
}

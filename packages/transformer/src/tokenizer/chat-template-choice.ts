/** A template, the file it is in, and the others that were beside it. */
export interface TemplateChoice {
  /** Undefined where there is none, or none that is meant. */
  source: string | undefined
  file: string
  others: Record<string, string>
}

/**
 * Which template of a model is meant, as transformers 5.24 chooses for a conversation without tools: files are taken before
 * tokenizer_config.json, whatever that has; of several the one named "default". Where none has this name, transformers has to
 * be told which: here none is used.
 *
 * @param inConfig   `chat_template` of tokenizer_config.json: a text, or a list of { name, template }
 * @param jinjaFile  chat_template.jinja
 * @param beside     the files of additional_chat_templates, by name
 */
export function templateChoice(
  inConfig: unknown,
  jinjaFile: string | undefined,
  beside: Readonly<Record<string, string>>,
): TemplateChoice {
  // A file of this name there is the default, before any other.
  const { default: named, ...others } = beside
  if (named !== undefined) return { source: named, file: 'additional_chat_templates/default.jinja', others }
  if (jinjaFile !== undefined) return { source: jinjaFile, file: 'chat_template.jinja', others }
  if (Object.keys(others).length > 0) return { source: undefined, file: 'additional_chat_templates', others }
  const file = 'tokenizer_config.json (chat_template)'
  if (typeof inConfig === 'string') return { source: inConfig, file, others: {} }
  const { default: source, ...rest } = namedTemplates(inConfig)
  return { source, file, others: rest }
}

function namedTemplates(value: unknown): Record<string, string> {
  if (!Array.isArray(value)) return {}
  const templates = (value as ({ name?: unknown; template?: unknown } | null)[]).flatMap((entry) =>
    typeof entry?.name === 'string' && typeof entry.template === 'string'
      ? [[entry.name, entry.template] as const]
      : [],
  )
  return Object.fromEntries(templates)
}

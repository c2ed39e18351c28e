import { OutriderError } from '@outrider/tensor'
import { type Directory, readText } from '../files/directory'
import type { OnWarning } from '../files/file-warning'
import { parseJson } from '../files/json'
import { ChatTemplate } from './chat-template'
import { foreignTokenizerIn } from './foreign-tokenizer'
import { Tokenizer } from './tokenizer'

/**
 * Reads the tokenizer of a model directory: tokenizer.json, and where they are, tokenizer_config.json,
 * special_tokens_map.json, chat_template.jinja and additional_chat_templates.
 *
 * @param onWarning  is told of keys of the files that are not known, and passed over
 * @throws OutriderError FILE_MISSING, FILE_FORMAT; UNSUPPORTED for what would change tokens and is not done here, by name
 */
export async function loadTokenizer(
  directory: Directory,
  onWarning?: OnWarning,
): Promise<{ tokenizer: Tokenizer; chatTemplate?: ChatTemplate }> {
  if (!(await directory.has('tokenizer.json'))) {
    const foreign = await foreignTokenizerIn(directory)
    const instead = foreign ? `, only ${foreign.what}` : ''
    throw new OutriderError('FILE_MISSING', `${directory.name} has no file tokenizer.json${instead}.`, {
      remedy: foreign?.remedy ?? 'Copy it from where the model came from; it belongs beside config.json.',
      details: { directory: directory.name, file: 'tokenizer.json' },
    })
  }
  const optional = async (file: string) => ((await directory.has(file)) ? readText(directory, file) : undefined)
  const json = await readText(directory, 'tokenizer.json')
  const config = (await optional('tokenizer_config.json')) ?? '{}\n'
  const specialTokensMap = await optional('special_tokens_map.json')
  const where = `${directory.name}/`
  const tokenizer = Tokenizer.fromJson(json, config, where, { specialTokensMap, onWarning })
  const others = await additionalTemplates(directory)
  const chatTemplate = ChatTemplate.fromConfig(config, await optional('chat_template.jinja'), {
    where,
    others,
    tokens: tokenizer.named,
    onWarning,
  })
  return chatTemplate ? { tokenizer, chatTemplate } : { tokenizer }
}

const additional = 'additional_chat_templates'

/** Templates for tools and so on, by name; none where the directory cannot be listed. */
async function additionalTemplates(directory: Directory): Promise<Record<string, string>> {
  const files = await directory.list(additional).catch(() => [])
  const templates = files.filter((file) => file.endsWith('.jinja'))
  const texts = templates.map(async (file) => [file.slice(0, -6), await readText(directory, `${additional}/${file}`)])
  return Object.fromEntries(await Promise.all(texts))
}

/**
 * Writes the files that `loadTokenizer` reads. They are unchanged but for the chat template, which is written where either of
 * those looks who read it: chat_template.jinja (transformers 5), and tokenizer_config.json (transformers before 4.53,
 * transformers.js).
 */
export async function saveTokenizer(
  directory: Directory,
  tokenizer: Tokenizer,
  chatTemplate?: ChatTemplate,
): Promise<void> {
  const files = tokenizer.toFiles()
  if (chatTemplate) files[configFile] = withTemplate(files[configFile]!, chatTemplate)
  for (const [file, text] of Object.entries({ ...files, ...chatTemplate?.toFiles() })) await directory.write(file, text)
}

const configFile = 'tokenizer_config.json'

/** tokenizer_config.json with the template in it; the text that it was where it has that already. */
function withTemplate(text: string, { source }: ChatTemplate): string {
  const config = parseJson(text, configFile) as Record<string, unknown>
  if (config.chat_template === source || Array.isArray(config.chat_template)) return text
  return `${JSON.stringify({ ...config, chat_template: source }, null, 2)}\n`
}

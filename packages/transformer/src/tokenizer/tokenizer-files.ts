import { OutriderError } from '@outrider/tensor'
import type { Directory } from '../files/directory'
import type { OnWarning } from '../files/file-warning'
import { ChatTemplate } from './chat-template'
import { foreignTokenizerIn } from './foreign-tokenizer'
import { Tokenizer } from './tokenizer'

/**
 * Reads the tokenizer of a model directory: tokenizer.json, and where they are, tokenizer_config.json,
 * special_tokens_map.json and chat_template.jinja.
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
  const optional = async (file: string) => ((await directory.has(file)) ? directory.readText(file) : undefined)
  const json = await directory.readText('tokenizer.json')
  const config = (await optional('tokenizer_config.json')) ?? '{}\n'
  const specialTokensMap = await optional('special_tokens_map.json')
  const tokenizer = Tokenizer.fromJson(json, config, `${directory.name}/`, { specialTokensMap, onWarning })
  const chatTemplate = ChatTemplate.fromConfig(config, await optional('chat_template.jinja'), tokenizer.named)
  return chatTemplate ? { tokenizer, chatTemplate } : { tokenizer }
}

/** Writes the files that `loadTokenizer` reads, unchanged. */
export async function saveTokenizer(
  directory: Directory,
  tokenizer: Tokenizer,
  chatTemplate?: ChatTemplate,
): Promise<void> {
  for (const [file, text] of Object.entries({ ...tokenizer.toFiles(), ...chatTemplate?.toFiles() }))
    await directory.write(file, text)
}

import { OutriderError } from '@outrider/tensor'
import type { Directory } from '../files/directory'
import { ChatTemplate } from './chat-template'
import { Tokenizer } from './tokenizer'

/**
 * Reads the tokenizer of a model directory: tokenizer.json, and where they are, tokenizer_config.json,
 * special_tokens_map.json and chat_template.jinja.
 *
 * @throws OutriderError FILE_MISSING, FILE_FORMAT
 */
export async function loadTokenizer(
  directory: Directory,
): Promise<{ tokenizer: Tokenizer; chatTemplate?: ChatTemplate }> {
  if (!(await directory.has('tokenizer.json')))
    throw new OutriderError('FILE_MISSING', `${directory.name} has no file tokenizer.json.`, {
      remedy:
        'Models that only bring tokenizer.model or vocab.json need it converted: save their tokenizer once with transformers (AutoTokenizer.from_pretrained(…).save_pretrained(…)).',
      details: { directory: directory.name, file: 'tokenizer.json' },
    })
  const optional = async (file: string) => ((await directory.has(file)) ? directory.readText(file) : undefined)
  const json = await directory.readText('tokenizer.json')
  const config = (await optional('tokenizer_config.json')) ?? '{}\n'
  const specialTokensMap = await optional('special_tokens_map.json')
  const tokenizer = Tokenizer.fromJson(json, config, `${directory.name}/`, {
    ...(specialTokensMap && { specialTokensMap }),
  })
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

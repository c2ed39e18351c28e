import { beginningOfText } from './beginning'
import { checkedScripts, faultOf } from './fault'
import { type SelfWritten, type SelfWrittenOptions, selfWritten, speakerOf } from './self-written'

export interface GenerateTextsOptions extends SelfWrittenOptions {
  /** Tokens of a text at most; one that is longer is cut there. Default 512. */
  maxTokens?: number | undefined
}

/**
 * Texts that the target writes itself, from nothing but the token that begins a text: for pretraining a draft where there is no
 * text like its target's. What is very short, repeats itself, mixes scripts or says much what one before said is not kept.
 *
 * @returns rows in the file: `{ id, text, finish_reason, temperature, top_p }`
 * @throws OutriderError as `generateDataset`; INVALID_ARGUMENT for options out of range, or where nothing could be kept
 */
export async function generateTexts({ maxTokens = 512, ...options }: GenerateTextsOptions): Promise<SelfWritten> {
  const demands = { leastWords: 8, scripts: checkedScripts(options.scripts) }
  return selfWritten(options, {
    ...{ name: 'texts', beginning: beginningOfText(speakerOf(options)), maxTokens, settings: {} },
    opening: () => ({ text: '' }),
    fault: ({ text }) => faultOf(text, demands),
    row: ({ text, finishReason }) => ({ text, finish_reason: finishReason }),
    textOf: (row) => (row as { text: string }).text,
  })
}

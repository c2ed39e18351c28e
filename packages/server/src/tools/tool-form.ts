import type { CallForm, ChatTemplate } from '@outrider/transformer'

/** How a family of models writes calls of tools. */
export interface ToolForm extends CallForm {
  family: 'hermes' | 'llama' | 'mistral'
  /** What begins calls within an answer; of Llama's, what an answer that is a call may begin with. */
  trigger: string
  /** What ends a call, after which text may follow; nothing where calls are the rest of an answer. */
  closes?: string
  /** Makes the id of a call. */
  id: () => string
}

const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
const randomLetters = (count: number) =>
  Array.from(crypto.getRandomValues(new Uint8Array(count)), (byte) => letters[byte % letters.length]).join('')
const longId = () => `call_${randomLetters(24)}`

/** Hermes 2 Pro's, Qwen 2.5's and 3's, SmolLM3's: every call an object between tags. */
const hermes: ToolForm = {
  family: 'hermes',
  trigger: '<tool_call>',
  closes: '</tool_call>',
  begin: '',
  end: '',
  open: '<tool_call>\n',
  close: '\n</tool_call>',
  between: '\n',
  argumentsKey: 'arguments',
  id: longId,
}

/** Llama 3.1's to 3.3's: the answer is an object, or several with `;` between. */
const llama: ToolForm = {
  family: 'llama',
  trigger: '<|python_tag|>',
  begin: '',
  end: '',
  open: '',
  close: '',
  between: '; ',
  argumentsKey: 'parameters',
  id: longId,
}

/** Mistral's up to its third tokenizer: a mark, and a list of objects. Its templates take ids of nine letters and digits only. */
const mistral: ToolForm = {
  family: 'mistral',
  trigger: '[TOOL_CALLS]',
  begin: '[TOOL_CALLS] [',
  end: ']',
  open: '',
  close: '',
  between: ', ',
  argumentsKey: 'arguments',
  id: () => randomLetters(9),
}

/** The form of the calls that a template shows, undefined for one that is not known: such calls are left as text. */
export function toolFormOf({ source, others }: Pick<ChatTemplate, 'source' | 'others'>): ToolForm | undefined {
  const template = others.tool_use ?? source
  if (template.includes('[TOOL_CALLS]')) return template.includes('[ARGS]') ? undefined : mistral
  // Qwen3-Coder's parameters are between tags, too, and no JSON.
  if (template.includes('<tool_call>')) return template.includes('<function=') ? undefined : hermes
  return template.includes('<|python_tag|>') || /\bipython\b/.test(template) ? llama : undefined
}

/** Whether a template writes tools into the prompt at all. */
export const takesTools = ({ source, others }: Pick<ChatTemplate, 'source' | 'others'>): boolean =>
  others.tool_use !== undefined || /\btools\b/.test(source)

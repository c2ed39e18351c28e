import { space } from './characters'
import { lowercase } from './lowercase'
import type { StepFields } from './step'

/** BERT's way to clean a text, in the order of the Rust library. */
export function bertNormalizer(step: StepFields): (text: string) => string {
  const lower = step.flag('lowercase')
  const accents = step.choice('strip_accents') ?? lower
  const steps: ((text: string) => string)[] = []
  if (step.flag('clean_text')) steps.push(clean)
  if (step.flag('handle_chinese_chars')) steps.push((text) => text.replace(ideographs, ' $& '))
  if (accents) steps.push((text) => text.normalize('NFD').replace(/\p{Mn}/gu, ''))
  if (lower) steps.push(lowercase)
  return (text) => steps.reduce((normal, one) => one(normal), text)
}

const blanks = new RegExp(`[${space}]`, 'gu')

const clean = (text: string) => text.replace(/\uFFFD|(?![\t\n\r])[\p{Cc}\p{Cf}\p{Co}]/gu, '').replace(blanks, ' ')

/** The blocks that count as Chinese there. */
const ideographs =
  /[\u3400-\u4DBF\u4E00-\u9FFF\uF900-\uFAFF\u{20000}-\u{2A6DF}\u{2A700}-\u{2B81F}\u{2B920}-\u{2CEAF}\u{2F800}-\u{2FA1F}]/gu

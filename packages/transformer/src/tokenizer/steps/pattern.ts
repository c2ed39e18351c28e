import { SplitPreTokenizer } from '@huggingface/tokenizers'
import { withoutAtomicGroups } from '../atomic-groups'
import { beyondTokenizerLimit, CountedRegExp } from '../counted-reg-exp'
import { knownExpressions } from '../known-expressions'
import type { StepFields } from './step'

/**
 * The `pattern` of a step: a text, or an expression of Oniguruma, which the library translates. Expressions that are not known
 * are counted.
 *
 * @throws OutriderError FILE_FORMAT where it is neither; UNSUPPORTED for an expression that JavaScript cannot say
 */
export function patternOf(step: StepFields): RegExp {
  const { Regex, String: literal } = (step.raw('pattern') ?? {}) as { Regex?: unknown; String?: unknown }
  if (typeof literal === 'string') return new RegExp(literal.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&'), 'gu')
  if (typeof Regex !== 'string') throw step.wrong('pattern', '{ "String": … } or { "Regex": … }')
  const pattern = translated(Regex)
  if (!pattern) throw step.unsupported(`the expression ${JSON.stringify(Regex)}`)
  const { limits } = step.context
  return knownExpressions.has(Regex) ? pattern : new CountedRegExp(pattern.source, pattern.flags, limits.pattern)
}

/** Undefined for what JavaScript cannot say. */
function translated(expression: string): RegExp | undefined {
  const Regex = expression.startsWith('(?i)') ? `(?i:${expression.slice(4)})` : expression
  try {
    const step = {
      type: 'Split' as const,
      pattern: { Regex: withoutAtomicGroups(Regex) },
      behavior: 'Isolated' as const,
      invert: false,
    }
    const { pattern } = new SplitPreTokenizer(step) as { pattern: RegExp | null }
    if (!pattern || !Regex.includes('(?i:')) return pattern ?? undefined
    // The library knows the other case of ASCII letters; two of them have a third form.
    const source = pattern.source.replaceAll('[sS]', '[sS\u017F]').replaceAll('[kK]', '[kK\u212A]')
    return new RegExp(source, pattern.flags)
  } catch {
    return undefined
  }
}

/** Puts the same text in the place of each match, as long as the whole does not grow beyond what any text should. */
export function replacement(step: StepFields): (text: string, soFar?: number) => string {
  const pattern = patternOf(step)
  const content = step.text('content')
  const { characters } = step.context.limits
  return (text, soFar = 0) => {
    const most = Math.max(soFar + text.length, characters)
    if ((text.length + 1) * content.length + soFar > most) {
      let after = soFar + text.length
      for (const [match] of text.matchAll(pattern)) {
        after += content.length - match.length
        if (after > most)
          throw beyondTokenizerLimit(`a replacement makes more than ${most} characters of ${soFar + text.length}`)
      }
    }
    // A function, for in a text a $ would be a mark.
    return text.replaceAll(pattern, () => content)
  }
}

import { families, type ModelFamily } from './families/index'
import { type Fields, printed } from './fields'

/**
 * The family of a config.json: by `model_type`, as transformers chooses, and by `architectures` where that is absent.
 *
 * @throws OutriderError UNSUPPORTED for what is no family here, another head than a language model's, or two that contradict
 *   each other; FILE_FORMAT for none
 */
export function architectureOf(fields: Fields): ModelFamily {
  const classes = fields.get('architectures')
  const names: unknown[] = Array.isArray(classes) ? classes : classes === undefined ? [] : [classes]
  const type = fields.get('model_type')
  const name = names[0] ?? type
  if (names.some((name) => typeof name !== 'string') || typeof name !== 'string')
    throw fields.wrong('architectures', 'a list with the name of the architecture')
  const family = families.find((known) => (type === undefined ? belongs(name, known) : type === known.modelType))
  const stranger = (names as string[]).find((name) => !families.some((other) => belongs(name, other)))
  if (stranger !== undefined || !family) throw unknown(fields, stranger ?? String(type ?? name))
  const other = (names as string[]).find((name) => !belongs(name, family))
  if (other === undefined) return family
  throw fields.unsupported(
    `model_type "${family.modelType}" beside the architecture ${other} is not supported`,
    'They are of two families, and readers differ in which they take: correct the one that is wrong.',
  )
}

/** Whatever the case: the first Llamas' class was LLaMAForCausalLM. */
const belongs = (name: string, { modelType, className, baseClassName }: ModelFamily): boolean =>
  [modelType, className, baseClassName].some((own) => own.toLowerCase() === name.toLowerCase())

function unknown(fields: Fields, stranger: string) {
  const name = /^[\w.-]{1,100}$/.test(stranger) ? stranger : printed(stranger)
  const family = families.find(({ className }) => name.startsWith(className.replace('ForCausalLM', 'For')))
  if (family)
    return fields.unsupported(
      `the architecture ${name} is not supported: its head is not that of a language model`,
      `Use a checkpoint of ${family.className}.`,
    )
  const supported = families.map(({ className, examples }) => `${className} (${examples})`).join(', ')
  return fields.unsupported(`the architecture ${name} is not supported`, `Supported: ${supported}.`)
}

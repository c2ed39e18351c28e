import { formOf, type KernelPart, type PartForm } from '../../kernel/index'
import { nan } from './nan'

/** The function `apply` of vec4f that a pointwise kernel computes, with a form for every expression. */
export const applied: KernelPart = { name: 'applied', provides: ['apply'], uses: [nan] }

const forms = { x: new Map<string, PartForm>(), 'x, y, dy': new Map(), 'a, b': new Map(), 'a, b, dy': new Map() }

/**
 * The form that is an expression.
 *
 * @param parameters  the names of the arguments
 * @param functions   WGSL of what the expression calls
 */
export function applying(parameters: keyof typeof forms, expression: string, functions = ''): PartForm {
  let form = forms[parameters].get(expression)
  if (!form) {
    const declared = parameters.split(', ').map((name) => `${name}: vec4f`)
    const apply = `fn apply(${declared.join(', ')}) -> vec4f { return ${expression}; }`
    form = formOf(applied, `${functions}\n${apply}`)
    forms[parameters].set(expression, form)
  }
  return form
}

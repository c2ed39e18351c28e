import { Budget, type TemplateLimits } from './budget'
import { Interpreter } from './interpreter'
import type { Body } from './nodes'
import { fromJson } from './values'

export { beyondTemplateLimit, type TemplateLimits, templateLimits } from './budget'
export { TemplateFailure, TemplateSyntaxError, UnsupportedInTemplate } from './failure'
export { normalizedSource } from './lexer'
export type { Body as ParsedTemplate } from './nodes'
export { parseTemplate } from './parse'

/**
 * Writes a parsed template with variables of JSON, as jinja2 3.1.6 does in the sandbox of transformers 5.24, and gives up at
 * a limit. Each error says with `at` where in the source the template had come to.
 */
export function renderTemplate(
  body: Body,
  variables: Readonly<Record<string, unknown>>,
  limits: TemplateLimits,
): { text: string } | { error: unknown; at: number } {
  const interpreter = new Interpreter(new Budget(limits))
  const given = Object.entries(variables).filter(([, value]) => value !== undefined)
  try {
    return {
      text: interpreter.render(
        body,
        given.map(([name, value]) => [name, fromJson(value)] as const),
      ),
    }
  } catch (error) {
    return { error, at: interpreter.at }
  }
}

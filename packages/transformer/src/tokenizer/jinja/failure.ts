/** A template that cannot be parsed; `at` is the place in the source, its line ends as newlines. */
export class TemplateSyntaxError extends Error {
  constructor(
    message: string,
    readonly at: number,
  ) {
    super(message)
  }
}

/** A template that fails while it is rendered: what Python would raise, or `raise_exception`. */
export class TemplateFailure extends Error {
  constructor(
    message: string,
    /** Python's name of the error. */
    readonly kind: 'TypeError' | 'ValueError' | 'UndefinedError' | 'SecurityError' | 'TemplateError' | 'LookupError',
  ) {
    super(message)
  }
}

/** Something that Jinja2 has and this engine has not. */
export class UnsupportedInTemplate extends Error {}

export const typeError = (message: string) => new TemplateFailure(message, 'TypeError')
export const valueError = (message: string) => new TemplateFailure(message, 'ValueError')

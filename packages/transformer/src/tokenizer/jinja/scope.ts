import type { Value } from './values'

/** Names of a body, within those of the bodies around it. */
export class Scope {
  readonly #names = new Map<string, Value>()

  constructor(readonly parent?: Scope) {}

  get(name: string): Value | undefined {
    for (let scope: Scope | undefined = this; scope; scope = scope.parent) {
      const value = scope.#names.get(name)
      if (value !== undefined) return value
    }
    return undefined
  }

  set(name: string, value: Value): void {
    this.#names.set(name, value)
  }
}

/** What has become known of a call. */
export type CallPart = { name: string } | { arguments: string }

/**
 * Reads the object of a call, `{"name": …, "arguments": …}` in either order, character by character: arguments are given as they
 * come, as soon as the name is known.
 */
export class CallScanner {
  /** All that has been read. */
  text = ''
  done = false
  name: string | undefined
  #depth = 0
  #inString = false
  #escaped = false
  #key = ''
  /** Where a key or a value of the object begins. */
  #from = 0
  #inValue = false
  #argumentsFrom = -1
  #given = 0
  #hasArguments = false

  /** @returns what is known by this character */
  push(character: string): CallPart[] {
    const at = this.text.length
    this.text += character
    const parts: CallPart[] = []
    const whole = this.#read(character, at)
    if (this.#inValue && this.#argumentsFrom < 0 && isArguments(this.#key) && !/[\s:]/.test(character))
      this.#argumentsFrom = at
    if (whole !== undefined && this.#key === 'name') this.#named(whole, parts)
    const open = whole === undefined && this.#inValue && isArguments(this.#key)
    if (whole !== undefined && isArguments(this.#key)) this.#hasArguments = true
    if (this.name !== undefined && this.#argumentsFrom >= 0)
      this.#give(open ? this.text.length : this.#argumentsEnd, open, parts)
    if (whole !== undefined) this.#key = ''
    if (this.done && this.name !== undefined && !this.#hasArguments) parts.push({ arguments: '{}' })
    return parts
  }

  #argumentsEnd = 0

  /** Follows strings and brackets; gives the text of a value of the object that has ended. */
  #read(character: string, at: number): string | undefined {
    if (this.#inString) {
      if (this.#escaped) this.#escaped = false
      else if (character === '\\') this.#escaped = true
      else if (character === '"') {
        this.#inString = false
        if (this.#depth === 1 && !this.#inValue) this.#key = parsed(this.text.slice(this.#from))
      }
      return undefined
    }
    if (character === '"') {
      this.#inString = true
      if (this.#depth === 1 && !this.#inValue) this.#from = at
    } else if (character === '{' || character === '[') this.#depth++
    else if (character === ':' && this.#depth === 1 && !this.#inValue) {
      this.#inValue = true
      this.#from = at + 1
    } else if (character === '}' || character === ']') {
      this.#depth--
      this.done = this.#depth === 0
      return this.done ? this.#value(at) : undefined
    } else if (character === ',' && this.#depth === 1) return this.#value(at)
    return undefined
  }

  #value(at: number): string | undefined {
    if (!this.#inValue) return undefined
    this.#inValue = false
    if (isArguments(this.#key)) this.#argumentsEnd = at
    return this.text.slice(this.#from, at).trim()
  }

  #named(value: string, parts: CallPart[]): void {
    const name = parsed(value)
    if (name === '' || this.name !== undefined) return
    this.name = name
    parts.push({ name })
  }

  #give(to: number, open: boolean, parts: CallPart[]): void {
    const raw = this.text.slice(this.#argumentsFrom, to)
    // Arguments may be written as a text of JSON: that is known as a whole.
    if (raw.startsWith('"')) {
      if (open || this.#given > 0) return
      this.#given = raw.length
      parts.push({ arguments: parsed(raw.trim()) })
      return
    }
    const more = (open && this.#inString ? raw : raw.trimEnd()).slice(this.#given)
    if (more === '') return
    this.#given += more.length
    parts.push({ arguments: more })
  }
}

const isArguments = (key: string) => key === 'arguments' || key === 'parameters'

/** A JSON string's text; nothing for what is none. */
function parsed(json: string): string {
  try {
    const value: unknown = JSON.parse(json)
    return typeof value === 'string' ? value : ''
  } catch {
    return ''
  }
}

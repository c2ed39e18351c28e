import { OutriderError } from '@outrider/tensor'

/** What a chat template may take: a template is a program, and a stranger wrote it. */
export interface TemplateLimits {
  /** Characters of the template. Default 2¹⁸, a dozen times the longest known. */
  sourceCharacters: number
  /** Steps of one rendering: nodes evaluated, items walked over, and characters gone through, 16 a step. Default 3 million. */
  steps: number
  /** Characters of any text, the whole included, items of any list, and bits of any number. Default 2²⁴. */
  characters: number
  /** How deep expressions, macros and values are nested. Default 500. */
  depth: number
  /** Time of one rendering. Default 5 s. */
  milliseconds: number
}

export const templateLimits: Readonly<TemplateLimits> = {
  sourceCharacters: 2 ** 18,
  steps: 3_000_000,
  characters: 2 ** 24,
  depth: 500,
  milliseconds: 5_000,
}

export const beyondTemplateLimit = (what: string, cause?: unknown) =>
  new OutriderError('TEMPLATE_LIMIT', `The chat template is not rendered: ${what}.`, {
    remedy: 'No known template takes as much; use another template, or shorten the conversation.',
    cause,
  })

/** What is left of the limits of one rendering. Whatever works in proportion to something asks here first. */
export class Budget {
  readonly #limits: TemplateLimits
  readonly #deadline: number
  #steps = 0
  #nextLook = 0
  #depth = 0

  constructor(limits: TemplateLimits) {
    this.#limits = limits
    this.#deadline = Date.now() + limits.milliseconds
  }

  step(count = 1): void {
    this.#steps += count
    if (this.#steps > this.#limits.steps) throw beyondTemplateLimit(`it takes more than ${this.#limits.steps} steps`)
    if (this.#steps < this.#nextLook) return
    this.#nextLook = this.#steps + 16
    if (Date.now() >= this.#deadline)
      throw beyondTemplateLimit(`it takes more than ${this.#limits.milliseconds / 1000} s`)
  }

  /** Goes through so many characters, or items, at the pace of a copy. */
  through(length: number): void {
    this.step(length / 16)
  }

  /** Compares every place of a text with what is sought, at worst. */
  search(text: string, sought: string): void {
    this.step((text.length * Math.min(sought.length, text.length)) / 256 + text.length / 64)
  }

  /** Is about to make a text or a list so long. */
  make(length: number): void {
    this.hold(length)
    this.through(length)
  }

  /** Is about to add to a text or a list, which is so long then. */
  hold(length: number): void {
    if (!(length <= this.#limits.characters))
      throw beyondTemplateLimit(`a value of it would have more than ${this.#limits.characters} characters or items`)
  }

  /** Is about to make a number of so many bits. */
  makeBits(bits: number): void {
    const most = Math.min(this.#limits.characters, mostBits)
    if (!(bits <= most)) throw beyondTemplateLimit(`a number of it would have more than ${most} bits`)
    this.through(bits)
  }

  /** Does what is one deeper. */
  deeper<T>(work: () => T): T {
    if (++this.#depth > this.#limits.depth) throw beyondTemplateLimit(`it is nested deeper than ${this.#limits.depth}`)
    const done = work()
    this.#depth--
    return done
  }
}

/** Of ints: a float holds no larger ones than of 1,024 bits. */
const mostBits = 1000

import type { Budget } from './budget'
import { typeError } from './failure'
import { areEqual } from './operators'
import { Callable, Instance, Tuple, Undefined, type Value } from './values'

/** What a body finds as `loop`. */
export class Loop extends Instance {
  readonly typeName = 'LoopContext'
  readonly #items: readonly Value[]
  readonly #budget: Budget
  readonly #depth0: number
  readonly call: Callable['call']
  #index0 = -1
  #changed: Tuple | undefined

  /** @param recurse  writes the loop's body for other items; undefined where it is not marked recursive */
  constructor(budget: Budget, items: readonly Value[], depth0: number, recurse?: (items: Value) => Value) {
    super()
    this.#budget = budget
    this.#items = items
    this.#depth0 = depth0
    this.call = ([over]) => {
      if (!recurse) throw typeError("The loop must have the 'recursive' marker to be called recursively")
      if (over === undefined) throw typeError('loop() takes what to go over')
      return recurse(over)
    }
  }

  next(): void {
    this.#index0++
  }

  attribute(name: string): Value | undefined {
    const [at, length] = [this.#index0, this.#items.length]
    switch (name) {
      case 'index':
        return BigInt(at + 1)
      case 'index0':
        return BigInt(at)
      case 'revindex':
        return BigInt(length - at)
      case 'revindex0':
        return BigInt(length - at - 1)
      case 'first':
        return at === 0
      case 'last':
        return at === length - 1
      case 'length':
        return BigInt(length)
      case 'depth':
        return BigInt(this.#depth0 + 1)
      case 'depth0':
        return BigInt(this.#depth0)
      case 'previtem':
        return at > 0 ? this.#items[at - 1] : new Undefined('there is no previous item')
      case 'nextitem':
        return at + 1 < length ? this.#items[at + 1] : new Undefined('there is no next item')
      case 'cycle':
        return new Callable('cycle', (args) => {
          if (args.length === 0) throw typeError('no items for cycling given')
          return args[at % args.length]!
        })
      case 'changed':
        return new Callable('changed', (args) => {
          const before = this.#changed
          this.#changed = new Tuple(args)
          return before === undefined || !areEqual(this.#budget, before, this.#changed)
        })
    }
    return undefined
  }
}

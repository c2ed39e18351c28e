// Iterator helpers of ECMAScript 2025 that jax-js calls and Node 20 lacks.
const prototype = Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]()))

const helpers = {
  *map(f) {
    let i = 0
    for (const x of this) yield f(x, i++)
  },
  *filter(f) {
    let i = 0
    for (const x of this) if (f(x, i++)) yield x
  },
  *flatMap(f) {
    for (const x of this) yield* f(x)
  },
  *take(n) {
    for (const x of this) {
      if (n-- <= 0) return
      yield x
    }
  },
  *drop(n) {
    for (const x of this) if (n-- <= 0) yield x
  },
  toArray() {
    return [...this]
  },
  some(f) {
    for (const x of this) if (f(x)) return true
    return false
  },
  every(f) {
    for (const x of this) if (!f(x)) return false
    return true
  },
  find(f) {
    for (const x of this) if (f(x)) return x
  },
  forEach(f) {
    for (const x of this) f(x)
  },
  reduce(f, value) {
    for (const x of this) value = f(value, x)
    return value
  },
}

for (const [name, value] of Object.entries(helpers))
  if (!(name in prototype)) Object.defineProperty(prototype, name, { value, configurable: true, writable: true })

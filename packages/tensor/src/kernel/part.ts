import type { VectorSize } from './elements'

/** WGSL that kernels take from elsewhere, by the names that it declares: what stands in a kernel's `uses`. */
export interface KernelPart {
  readonly name: string
  /** The functions, types and constants that a kernel may use of it. */
  readonly provides: readonly string[]
  /** The WGSL. A part without it has forms (`formOf`), of which every run of the kernel says one. */
  readonly text?: string
  /** Storage buffers, `var<storage, read> name: type`, that the kernel has besides its own. */
  readonly bindings?: readonly string[]
  /** Fields, `name: u32`, that `struct Params` has besides its own. */
  readonly fields?: readonly string[]
  /** Those of the names that are types of f32 elements. */
  readonly floats?: readonly string[]
  /** Of `elements`: how many elements of a binding its functions take at once. */
  readonly elements?: Readonly<Record<string, VectorSize>>
  /** Of `elements`: whether f16 is taken from words. */
  readonly packed?: boolean
  /** What its own WGSL uses. */
  readonly uses?: readonly KernelPart[]
}

/** One form of a part. */
export interface PartForm {
  readonly part: KernelPart
  readonly text: string
  readonly constants: Readonly<Record<string, number>>
  /** How many elements of a row are taken at once: the size 'row' of `elements`. */
  readonly rowVectorSize?: 1 | 4 | undefined
  /** What tells it from all others: a kernel's specialisation goes by it. */
  readonly number: number
}

const forms = new Map<KernelPart, Map<string, PartForm[]>>()
let count = 0
const newMap = () => new Map<string, PartForm[]>()
const newList = (): PartForm[] => []

/** A form of a part, by its WGSL and the constants that are declared before it; the same one for the same of these. */
export function formOf(
  part: KernelPart,
  text: string,
  constants: Readonly<Record<string, number>> = {},
  rowVectorSize?: 1 | 4,
): PartForm {
  // Asked for at every dispatch: texts are compared as what they are, constants one by one.
  const ofText = getOrMake(getOrMake(forms, part, newMap), text, newList)
  const known = ofText.find((form) => part.provides.every((name) => form.constants[name] === constants[name]))
  if (known) return known
  const form = { part, text, constants, rowVectorSize, number: count++ }
  ofText.push(form)
  return form
}

function getOrMake<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key)
  if (value === undefined) {
    value = make()
    map.set(key, value)
  }
  return value
}

/** Parts with all that they use, each once, what is used first. */
export function withUsed(parts: readonly KernelPart[]): KernelPart[] {
  const all = new Set<KernelPart>()
  const add = (part: KernelPart) => {
    part.uses?.forEach(add)
    all.add(part)
  }
  parts.forEach(add)
  return [...all]
}

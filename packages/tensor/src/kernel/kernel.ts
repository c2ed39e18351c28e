import type { Advancing } from '../device/advancing'
import { OutriderError } from '../errors'
import type { Tensor } from '../tensor'
import { type ElementBinding, elementsText } from './elements'
import { checkNames } from './names'
import { type KernelPart, type PartForm, withUsed } from './part'

export interface KernelBinding {
  readonly name: string
  readonly access: 'read' | 'read_write'
  /** Whether its elements are declared to be f32, alone or in vectors. */
  readonly isFloat: boolean
}

export interface KernelParameter {
  readonly name: string
  readonly type: 'u32' | 'i32' | 'f32'
}

/** A WGSL compute program and what it declares. One kernel gives a pipeline for each specialisation and types of elements. */
export interface Kernel {
  readonly name: string
  readonly source: string
  /** What stands before the source in every specialisation. */
  readonly library: string
  readonly bindings: readonly KernelBinding[]
  readonly parameters: readonly KernelParameter[]
  readonly constants: readonly string[]
  /** The parts of which every run says a form. */
  readonly forms: readonly KernelPart[]
  readonly elements: readonly ElementBinding[]
}

/** What a kernel is made of. */
export interface KernelDefinition {
  name: string
  /** The WGSL, with the entry point `main`. */
  source: string
  /** What the text takes from elsewhere. */
  uses?: readonly KernelPart[]
  /** The constants that every run gives. */
  constants?: readonly string[]
}

/** What a kernel is specialised by; each combination is a pipeline of its own. */
export interface KernelSpecialization {
  /** `const NAME = …;` for the names in the definition: integers become u32, other numbers f32. */
  constants?: Readonly<Record<string, number | boolean>> | undefined
  /** Of each part in `uses` that has forms, one. */
  forms?: readonly PartForm[] | undefined
}

export const maxParameterBytes = 256

/**
 * Declares a kernel. Its WGSL says what it is run with: storage buffers at `@group(0)`, named as the keys of `bindings` in
 * `device.run`; an optional `struct Params` of 32-bit scalars at `@group(1) @binding(0)`, its fields named as the keys of
 * `params`. What it takes from elsewhere is declared beside it.
 *
 * @throws OutriderError KERNEL for a name in the text that is declared nowhere, for what is declared and not used, and for a
 *   parameter that is not a 32-bit scalar, or more than 256 bytes of them
 */
export function defineKernel({ name, source, uses = [], constants = [] }: KernelDefinition): Kernel {
  const used = withUsed(uses)
  const text = withoutComments(source)
  checkNames(name, text, uses, used, constants)
  const floats = ['f32', 'vec2f', 'vec3f', 'vec4f', ...used.flatMap((part) => part.floats ?? [])]
  const bindings: KernelBinding[] = []
  const bound = (declaration: string, at: number) => {
    const [, access = 'read', binding, element] = storage.exec(declaration)!
    bindings[at] = { name: binding!, access: access as 'read', isFloat: floats.includes(element!) }
  }
  for (const [, index, declaration] of text.matchAll(/@group\(0\)\s*@binding\((\d+)\)\s*(var<storage\b[^;]*)/g))
    bound(declaration!, Number(index))
  const added = used
    .flatMap((part) => part.bindings ?? [])
    .map((declaration) => {
      const at = bindings.length
      bound(declaration, at)
      return `@group(0) @binding(${at}) ${declaration};`
    })
  const fields = used.flatMap((part) => part.fields ?? [])
  const elements = used.flatMap(({ elements = {}, packed = false }) =>
    Object.entries(elements).map(([binding, vectorSize]) => {
      const found = bindings.find((one) => one.name === binding)
      if (!found) throw new OutriderError('KERNEL', `Kernel ${name}: there is no binding "${binding}".`)
      return { name: binding, isWritten: found.access === 'read_write', vectorSize, packed }
    }),
  )
  return {
    name,
    source: fields.length === 0 ? source : source.replace(/(struct\s+Params\s*\{)/, `$1 ${fields.join(', ')},`),
    library: [...added, ...used.flatMap((part) => part.text ?? [])].join('\n'),
    bindings,
    parameters: parametersOf(name, [...fields, /struct\s+Params\s*\{([^}]*)\}/.exec(text)?.[1] ?? ''].join(',')),
    constants,
    forms: used.filter((part) => part.text === undefined && !part.elements),
    elements,
  }
}

const withoutComments = (source: string) => source.replace(/\/\/.*$|\/\*[\s\S]*?\*\//gm, '')

const storage = /var<storage(?:,\s*(read_write|read))?>\s*(\w+)\s*:\s*(?:array<)?(?:atomic<)?(\w+)/

function parametersOf(kernel: string, struct: string): KernelParameter[] {
  const parameters = struct
    .split(',')
    .map((field) => field.trim())
    .filter(Boolean)
    .map((field) => {
      const match = /^(\w+)\s*:\s*(u32|i32|f32)$/.exec(field)
      if (!match)
        throw new OutriderError('KERNEL', `Kernel ${kernel}: Params may hold u32, i32 and f32 only, not "${field}".`)
      return { name: match[1]!, type: match[2] as KernelParameter['type'] }
    })
  if (parameters.length * 4 > maxParameterBytes)
    throw new OutriderError(
      'KERNEL',
      `Kernel ${kernel}: Params takes ${parameters.length * 4} bytes; ${maxParameterBytes} fit.`,
    )
  return parameters
}

const generated = new Map<string, Kernel>()

/** A kernel whose text is generated: made once for a name, which says all that the text depends on. */
export function generatedKernel(name: string, define: () => Omit<KernelDefinition, 'name'>): Kernel {
  let kernel = generated.get(name)
  if (!kernel) {
    kernel = defineKernel({ name, ...define() })
    generated.set(name, kernel)
  }
  return kernel
}

/**
 * The kernel's text with all that it uses before it; directives (`enable`, `diagnostic`) come first, as WGSL wants.
 *
 * @param tensors  those that are bound, whose dtypes its elements have
 * @throws OutriderError KERNEL for a constant or a form that is missing, or that the kernel does not declare
 */
export function specialize(
  kernel: Kernel,
  { constants = {}, forms = [] }: KernelSpecialization,
  tensors: Readonly<Record<string, Tensor>> = {},
): string {
  const same = (what: string, declared: readonly string[], given: readonly string[]) => {
    const missing = declared.find((name) => !given.includes(name))
    const unknown = given.find((name) => !declared.includes(name))
    if (missing ?? unknown)
      throw new OutriderError(
        'KERNEL',
        `Kernel ${kernel.name}: ${what} "${missing ?? unknown}" is ${missing ? 'missing' : 'not declared'}.`,
      )
  }
  same('the constant', kernel.constants, Object.keys(constants))
  const names = (parts: readonly KernelPart[]) => parts.map(({ name }) => name)
  same('a form of', names(kernel.forms), names(forms.map(({ part }) => part)))
  const rowVectorSize = forms.find((form) => form.rowVectorSize)?.rowVectorSize
  const directives = new Set<string>()
  const text = [
    ...Object.entries(Object.assign({}, constants, ...forms.map((form) => form.constants)) as typeof constants).map(
      ([name, value]) => `const ${name} = ${literal(value)};`,
    ),
    elementsText(kernel.elements, tensors, rowVectorSize ?? 1),
    ...forms.map((form) => form.text),
    kernel.library,
    kernel.source,
  ]
    .join('\n')
    .replace(/^\s*(?:enable\s+[^;]+|diagnostic\([^)]+\));/gm, (directive) => {
      directives.add(directive.trim())
      return ''
    })
  return [...directives, text].join('\n')
}

/** What tells one specialisation of a kernel from another, but for the types of its elements. Made for every dispatch. */
export function specializationKey({ constants, forms }: KernelSpecialization): string {
  let key = ''
  // Not by Object.entries, whose pairs are work for every dispatch.
  for (const name in constants) key += `${name}=${constants[name]};`
  if (forms) for (const { number } of forms) key += `${number},`
  return key
}

function literal(value: number | boolean): string {
  if (typeof value !== 'number') return String(value)
  return Number.isInteger(value) && value >= 0 ? `${value}u` : `f32(${value})`
}

/** The value of a parameter; one that replays move on is `position(n)` or `counter(n)`. */
export type ParameterValue = number | Advancing

/** Writes parameters into 32-bit words in the order of the struct; a missing name is an error. */
export function packParameters(
  kernel: Kernel,
  values: Readonly<Record<string, ParameterValue>>,
  words: DataView,
  offset: number,
): void {
  for (const { name, type } of kernel.parameters) {
    const given = values[name]
    if (given === undefined) throw new OutriderError('KERNEL', `Kernel ${kernel.name}: parameter "${name}" is missing.`)
    const value = typeof given === 'number' ? given : given.word()
    if (type === 'u32') words.setUint32(offset, value, true)
    else if (type === 'i32') words.setInt32(offset, value, true)
    else words.setFloat32(offset, value, true)
    offset += 4
  }
}

/** Workgroup counts for `count` workgroups in one line, folded where a dimension would pass 65,535. */
export function linearWorkgroups(count: number): [number, number, number] {
  if (count <= 65535) return [count, 1, 1]
  const x = Math.ceil(Math.sqrt(count))
  return [x, Math.ceil(count / x), 1]
}

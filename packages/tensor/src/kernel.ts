import type { Advancing } from './device/advancing'
import { OutriderError } from './errors'

export interface KernelBinding {
  readonly name: string
  readonly index: number
  readonly access: 'read' | 'read_write'
  /** Whether the text declares its elements to be f32, alone, in vectors or as V (row-vectors.ts). */
  readonly isFloat: boolean
}

export interface KernelParameter {
  readonly name: string
  readonly type: 'u32' | 'i32' | 'f32'
}

/** A WGSL compute program and what its text declares. One kernel gives a pipeline per set of constants and types. */
export interface Kernel {
  readonly name: string
  readonly source: string
  readonly bindings: readonly KernelBinding[]
  readonly parameters: readonly KernelParameter[]
}

/** What a kernel is specialised by; each combination is a pipeline of its own. */
export interface KernelSpecialization {
  /** `const NAME = …;`: integers become u32, other numbers f32, strings stand as they are. */
  constants?: Readonly<Record<string, number | boolean | string>> | undefined
  /** `alias NAME = type;` */
  types?: Readonly<Record<string, string>> | undefined
  /** WGSL declarations before the source: functions that the kernel calls. */
  prelude?: string | undefined
}

export const maxParameterBytes = 256

/**
 * Declares a kernel. The WGSL text is the only description: storage buffers at `@group(0)`, named as the keys of
 * `bindings` in `device.run`; an optional `struct Params` of 32-bit scalars at `@group(1) @binding(0)`, its fields named
 * as the keys of `params`. The entry point is `main`.
 *
 * @throws OutriderError KERNEL if the text declares a parameter that is not a 32-bit scalar, or more than 256 bytes of them
 */
export function defineKernel({ name, source }: { name: string; source: string }): Kernel {
  const text = source.replace(/\/\/.*$/gm, '')
  const bindings = [
    ...text.matchAll(
      /@group\(0\)\s*@binding\((\d+)\)\s*var<storage,\s*(read_write|read)>\s*(\w+)(?:\s*:\s*array<(f32|vec[234]f|V)\b)?/g,
    ),
  ]
    .map(([, index, access, binding, float]) => ({
      name: binding!,
      index: Number(index),
      access: access as 'read',
      isFloat: float !== undefined,
    }))
    .sort((a, b) => a.index - b.index)
  const struct = /struct\s+Params\s*\{([^}]*)\}/.exec(text)?.[1] ?? ''
  const parameters = struct
    .split(',')
    .map((field) => field.trim())
    .filter(Boolean)
    .map((field) => {
      const match = /^(\w+)\s*:\s*(u32|i32|f32)$/.exec(field)
      if (!match)
        throw new OutriderError('KERNEL', `Kernel ${name}: Params may hold u32, i32 and f32 only, not "${field}".`)
      return { name: match[1]!, type: match[2] as KernelParameter['type'] }
    })
  if (parameters.length * 4 > maxParameterBytes)
    throw new OutriderError(
      'KERNEL',
      `Kernel ${name}: Params takes ${parameters.length * 4} bytes; ${maxParameterBytes} fit.`,
    )
  return { name, source, bindings, parameters }
}

const generated = new Map<string, Kernel>()

/** A kernel whose text is generated: made once for a name, which says all that the text depends on. */
export function generatedKernel(name: string, source: () => string): Kernel {
  let kernel = generated.get(name)
  if (!kernel) {
    kernel = defineKernel({ name, source: source() })
    generated.set(name, kernel)
  }
  return kernel
}

/** The kernel's text with its specialisation before it; `enable` directives come first, as WGSL wants. */
export function specialize(kernel: Kernel, { constants, types, prelude }: KernelSpecialization): string {
  const enables: string[] = []
  const lift = (text: string) =>
    text.replace(/^\s*enable\s+[^;]+;/gm, (directive) => {
      enables.push(directive.trim())
      return ''
    })
  const body = lift(kernel.source)
  const lines = [
    ...Object.entries(types ?? {}).map(([name, type]) => `alias ${name} = ${type};`),
    ...Object.entries(constants ?? {}).map(([name, value]) => `const ${name} = ${literal(value)};`),
    prelude ? lift(prelude) : '',
  ]
  return [...new Set(enables), ...lines, body].join('\n')
}

const preludeNumbers = new Map<string, number>()

/** What tells one specialisation of a kernel from another. Made for every dispatch: a prelude counts by its number. */
export function specializationKey({ constants, types, prelude }: KernelSpecialization): string {
  let key = ''
  for (const name in constants) key += `${name}=${constants[name]};`
  for (const name in types) key += `${name}:${types[name]};`
  if (!prelude) return key
  let number = preludeNumbers.get(prelude)
  if (number === undefined) {
    number = preludeNumbers.size
    preludeNumbers.set(prelude, number)
  }
  return `${key}#${number}`
}

function literal(value: number | boolean | string): string {
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

import type { Capabilities } from '../device/capabilities'
import { type DType, isInSpans } from '../dtype'
import { type AttentionPartsName, partNames, takesParts } from '../operations/attention/select'
import {
  type LinearKernelName,
  type MatmulKernelName,
  type MatmulProblem,
  takesLinear,
  takesMatmul,
} from '../operations/matmul/select'
import { fewRows } from '../operations/matmul/skinny-plan'
import { tileNames } from '../operations/matmul/tile-shapes'

/** Weights of linear layers, [n, k], of which one kernel is to be chosen. */
export interface LinearWeights {
  readonly n: number
  readonly k: number
  readonly dtype: DType
}

/** Heads whose few rows attend over a long cache, of which the length of a part is to be chosen. */
export interface AttentionHeads {
  readonly heads: number
  readonly kvHeads: number
  readonly headDim: number
  /** What keys and values are kept in; both in f32 where they differ. */
  readonly cache: 'f32' | 'f16' | 'q8_0'
}

/** A kernel, or a way to cut what a kernel does, that tuning may choose. */
export type TunedKernelName = LinearKernelName | MatmulKernelName | AttentionPartsName

/** Kernels by what they are for (`choiceKey`, `matmulKey`, `attentionKey`). */
export type TunedKernels = Readonly<Record<string, TunedKernelName>>

/** What a choice is for, as it is kept: `linear 1536x576 q4_0`. */
export const choiceKey = ({ n, k, dtype }: LinearWeights): string => `linear ${n}x${k} ${dtype}`

/** The forms of a product: which of its operands are read as their transposes. Of both there is one kernel. */
export type MatmulForm = 'NN' | 'NT' | 'TN'

/**
 * The same of a product with weights: `matmul NT 1536x576 f32`. The three forms of training have the weights [n, k] as an operand
 * (x · wᵀ, and dy · w) or as the result (dyᵀ · x). The number of rows is not part of it: of x · wᵀ a row's bits must not depend on it.
 */
export function matmulKey({ m, n, k, transposeA, transposeB }: MatmulProblem, a: DType, b: DType): string {
  const [form, rows, columns] = transposeA ? ['TN', m, n] : transposeB ? ['NT', n, k] : ['NN', k, n]
  return `matmul ${form} ${rows}x${columns} ${a === b ? a : `${a}*${b}`}`
}

/**
 * The same of attention for few rows: `attention 32/4x64 f16`. Neither the number of rows nor the length of the cache is part of it: of
 * up to 16 rows each has the same bits, whatever rows are beside it.
 */
export const attentionKey = ({ heads, kvHeads, headDim, cache }: AttentionHeads): string =>
  `attention ${heads}/${kvHeads}x${headDim} ${cache}`

/** The product of a form that weights [n, k] have with so many rows. */
export function productOf(
  form: MatmulForm,
  { n, k, halves = false }: { n: number; k: number; halves?: boolean },
  rows: number,
): MatmulProblem {
  const sizes = {
    NT: { m: rows, n, k, transposeA: false, transposeB: true },
    NN: { m: rows, n: k, k: n, transposeA: false, transposeB: false },
    TN: { m: n, n: k, k: rows, transposeA: true, transposeB: false },
  }
  return { ...sizes[form], halves }
}

/** The kernels that linear layers of many rows are chosen among. */
export const linearCandidates: readonly LinearKernelName[] = [
  'dot',
  'subgroups',
  'spans',
  'matrices',
  ...tileNames.filter((name) => name !== 'tiled128x128' && name !== 'tiled128x128x2'),
]

/** The kernels that products are chosen among: those without workgroup memory, the one that broadcasts, and the tiles. */
export const matmulCandidates: readonly MatmulKernelName[] = [
  'dot',
  'outer',
  'subgroups',
  'matrices',
  ...tileNames.filter((name) => name !== 'tiled32x64'),
]

/** Whether a device has the kernel of a choice that was written down. */
export function takesChoice(key: string, name: string, capabilities: Capabilities): name is TunedKernelName {
  if (/^attention \d+\/\d+x\d+ (?:f32|f16|q8_0)$/.test(key))
    return takesParts(1, capabilities) && partNames.some((parts) => parts === name)
  const [, form, rows, columns, dtype] = /^(?:linear|matmul (NN|NT|TN)) (\d+)x(\d+) ([\w*]+)$/.exec(key) ?? []
  if (!dtype) return false
  const [n, k] = [Number(rows), Number(columns)]
  const m = fewRows + 1
  if (!form) {
    const kernel = linearCandidates.find((candidate) => candidate === name)
    return kernel !== undefined && takesLinear(kernel, { m, n, k, inSpans: isInSpans(dtype as DType) }, capabilities)
  }
  const kernel = matmulCandidates.find((candidate) => candidate === name)
  const problem = productOf(form as MatmulForm, { n, k, halves: dtype === 'f16' }, 4 * m)
  return kernel !== undefined && takesMatmul(kernel, problem, capabilities)
}

/**
 * The kernels that were found fastest on this adapter: for linear layers of more than 16 rows of a sequence, for products, and how the
 * keys are cut for up to 16 rows. What has
 * been chosen once stays as it is for the device's life, tuned or not: of what has run already, a later `use` says nothing.
 */
export class KernelChoices {
  readonly #tuned = new Map<string, TunedKernelName>()
  readonly #settled = new Map<string, TunedKernelName | undefined>()

  /** Uses these from now on. */
  use(kernels: TunedKernels): void {
    for (const [key, kernel] of Object.entries(kernels))
      if (!this.#settled.has(key) && !this.#tuned.has(key)) this.#tuned.set(key, kernel)
  }

  /** The tuned kernel for such weights; undefined where capabilities decide. */
  linear(weights: LinearWeights): LinearKernelName | undefined {
    return this.#settle(choiceKey(weights)) as LinearKernelName | undefined
  }

  /** The same for a product of operands of these types. */
  matmul(problem: MatmulProblem, a: DType, b: DType): MatmulKernelName | undefined {
    return this.#settle(matmulKey(problem, a, b)) as MatmulKernelName | undefined
  }

  /** The tuned length of parts that few rows of such heads attend to. */
  attention(heads: AttentionHeads): AttentionPartsName | undefined {
    return this.#settle(attentionKey(heads)) as AttentionPartsName | undefined
  }

  /**
   * Settles these choices in place of all that tuning found: where it found more, the default.
   *
   * @returns those that have run otherwise on this device: where there are any, nothing changes
   */
  adopt(kernels: TunedKernels): string[] {
    const keys = [...new Set([...this.#tuned.keys(), ...Object.keys(kernels)])]
    const others = keys.filter((key) => this.#settled.has(key) && this.#settled.get(key) !== kernels[key])
    if (others.length > 0) return others
    this.#tuned.clear()
    for (const key of keys) this.#settled.set(key, kernels[key])
    for (const [key, kernel] of Object.entries(kernels)) this.#tuned.set(key, kernel)
    return []
  }

  /** The choices in use, by key in order: part of what bits depend on. */
  toJSON(): TunedKernels {
    return Object.fromEntries([...this.#tuned].sort(([a], [b]) => (a < b ? -1 : 1)))
  }

  #settle(key: string): TunedKernelName | undefined {
    if (!this.#settled.has(key)) this.#settled.set(key, this.#tuned.get(key))
    return this.#settled.get(key)
  }
}

import type { Capabilities } from '../device/capabilities'
import { type DType, isInSpans } from '../dtype'
import { fewRows, type LinearKernelName, takesLinear } from '../operations/matmul/select'
import { tileNames } from '../operations/matmul/tile-shapes'

/** Weights of linear layers, [n, k], of which one kernel is to be chosen. */
export interface LinearWeights {
  readonly n: number
  readonly k: number
  readonly dtype: DType
}

/** Kernels by what they are for (`choiceKey`). */
export type TunedKernels = Readonly<Record<string, LinearKernelName>>

/** What a choice is for, as it is kept: `linear 1536x576 q4_0`. */
export const choiceKey = ({ n, k, dtype }: LinearWeights): string => `linear ${n}x${k} ${dtype}`

/** The kernels that linear layers of many rows are chosen among. */
export const linearCandidates: readonly LinearKernelName[] = [
  'dot',
  'subgroups',
  'spans',
  ...tileNames.filter((name) => name !== 'tiled128x128' && name !== 'tiled128x128x2'),
]

/** Whether a device has the kernel of a choice that was written down. */
export function takesChoice(key: string, name: string, capabilities: Capabilities): name is LinearKernelName {
  const [, n, k, dtype] = /^linear (\d+)x(\d+) (\w+)$/.exec(key) ?? []
  const kernel = linearCandidates.find((candidate) => candidate === name)
  if (!kernel || !dtype) return false
  const problem = { m: fewRows + 1, n: Number(n), k: Number(k), inSpans: isInSpans(dtype as DType) }
  return takesLinear(kernel, problem, capabilities)
}

/**
 * The kernels that were found fastest on this adapter for linear layers of more than 16 rows of a sequence. What has been chosen once stays as it
 * is for the device's life, tuned or not: of what has run already, a later `use` says nothing.
 */
export class KernelChoices {
  readonly #tuned = new Map<string, LinearKernelName>()
  readonly #settled = new Map<string, LinearKernelName | undefined>()

  /** Uses these from now on. */
  use(kernels: TunedKernels): void {
    for (const [key, kernel] of Object.entries(kernels))
      if (!this.#settled.has(key) && !this.#tuned.has(key)) this.#tuned.set(key, kernel)
  }

  /** The tuned kernel for such weights; undefined where capabilities decide. */
  linear(weights: LinearWeights): LinearKernelName | undefined {
    const key = choiceKey(weights)
    if (!this.#settled.has(key)) this.#settled.set(key, this.#tuned.get(key))
    return this.#settled.get(key)
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
}

import { type CoveredIds, type Device, embedding, type Head, type Tensor, takeRows } from '@outrider/tensor'
import { withoutGradients } from '@outrider/tensor/internal'
import type { ModelDescription } from './layer'
import type { ModelParameters } from './parameters'
import type { StoredCoverage } from './trainable-lm'

/**
 * The head of a model that says some ids alone. Its rows are a parameter of their own; of a tied head they are gathered from the
 * embedding. For decoding that is done once: whenever a cache is made, whose keys and values are of the weights of that moment, too.
 */
export class CoveredHead {
  readonly covered: CoveredIds
  readonly stored: StoredCoverage
  readonly #weight: string
  /** Of a tied head: f32 [covered, hiddenSize]. */
  readonly #rows: Tensor | undefined

  constructor(device: Device, ids: readonly number[], description: ModelDescription) {
    const { embedding: table, head } = description
    this.#weight = head.weight
    this.covered = { ids: device.tensor(Uint32Array.from(ids)).keep(), vocabularySize: table.rows }
    this.stored = storedCoverage(ids, description)
    this.#rows = this.stored.weight ? undefined : device.empty([ids.length, head.columns]).keep()
  }

  /** The head as a function of parameters, differentiable in them. */
  of(parameters: ModelParameters): Pick<Head, 'weight' | 'covered'> {
    const weight = parameters[this.#weight]!
    return { weight: this.#rows ? gather(weight, this.covered.ids) : weight, covered: this.covered }
  }

  /** The same for decoding: rows of a tied head as they were when the last cache was made. */
  kept(parameters: ModelParameters): Pick<Head, 'weight' | 'covered'> {
    return { weight: this.#rows ?? parameters[this.#weight]!, covered: this.covered }
  }

  /** Gathers the rows of a tied head again, into the same memory: recorded steps read it. */
  refresh(parameters: ModelParameters): void {
    const rows = this.#rows
    if (!rows) return
    const { device } = rows
    const table = parameters[this.#weight]!
    withoutGradients(device, () =>
      device.scope(() => device.copy(embedding(table, this.covered.ids), 0, rows, 0, rows.size)),
    )
  }

  dispose(): void {
    this.covered.ids.dispose()
    this.#rows?.dispose()
  }
}

/** How the head of a model that says these ids alone is stored. */
export const storedCoverage = (
  ids: readonly number[],
  { embedding: table, head }: ModelDescription,
): StoredCoverage => ({
  ids,
  vocabularySize: table.rows,
  weight: head.weight === table.weight ? undefined : head.weight,
})

function gather(table: Tensor, ids: Tensor): Tensor {
  const { dtype, slabs, device, shape } = table
  const isHalf = dtype === 'f16' && device.capabilities.shaderF16
  // An id comes once, so its gradient need not look for others of the same.
  if (slabs.length === 1 && (dtype === 'f32' || (isHalf && shape[1]! % 2 === 0))) return takeRows(table, ids)
  return embedding(table, ids, { dtype: isHalf ? 'f16' : 'f32' })
}

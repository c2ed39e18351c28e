import { defineKernel, linearWorkgroups, OutriderError, type Tensor } from '@outrider/tensor'
import type { ModelParameters } from '@outrider/transformer'
import source from './adamw.wgsl'

const kernel = defineKernel({ name: 'adamw', source })

export interface AdamWOptions {
  /** Decay of the mean of gradients. Default 0.9. */
  beta1?: number | undefined
  /** Decay of the mean of squared gradients. Default 0.95, as large-model training uses. */
  beta2?: number | undefined
  /** Default 1e-8. */
  epsilon?: number | undefined
  /** Decoupled weight decay of matrices; vectors (norms) are not decayed. Default 0.01. */
  weightDecay?: number | undefined
}

/**
 * AdamW with decoupled weight decay (Loshchilov & Hutter 2019, arXiv 1711.05101). Holds two moments a parameter, on the
 * device, until it is disposed of.
 */
export class AdamW {
  readonly options: Required<{ [K in keyof AdamWOptions]: number }>
  /** Moments by parameter name: the mean of gradients and of their squares. */
  readonly means: ModelParameters
  readonly squares: ModelParameters
  /** Steps taken. */
  step = 0
  readonly #parameters: ModelParameters

  constructor(
    parameters: ModelParameters,
    { beta1 = 0.9, beta2 = 0.95, epsilon = 1e-8, weightDecay = 0.01 }: AdamWOptions = {},
  ) {
    for (const [name, value] of Object.entries({ beta1, beta2 }))
      if (!(value >= 0 && value < 1))
        throw new OutriderError('INVALID_ARGUMENT', `AdamW: ${name} must be in [0, 1), not ${value}.`)
    for (const [name, { dtype }] of Object.entries(parameters))
      if (dtype !== 'f32')
        throw new OutriderError('DTYPE_MISMATCH', `The parameter ${name} is ${dtype}; what is trained must be f32.`, {
          remedy: "Load the model with { dtype: 'f32' }.",
        })
    this.options = { beta1, beta2, epsilon, weightDecay }
    this.#parameters = parameters
    const zeros = () =>
      Object.fromEntries(
        Object.entries(parameters).map(([name, { device, shape }]) => [name, device.zeros(shape).keep()]),
      )
    this.means = zeros()
    this.squares = zeros()
  }

  /**
   * Moves the parameters, in place.
   *
   * @param gradients  by parameter name
   * @param norm       the gradients' global norm, f32 []
   * @param rate       the learning rate of this step
   * @param maxNorm    gradients are scaled down to this norm; 0 leaves them
   * @param scale      what the loss was multiplied by, and so gradients and norm are
   */
  update(gradients: ModelParameters, norm: Tensor, rate: number, maxNorm: number, scale = 1): void {
    this.step++
    const { beta1, beta2, epsilon, weightDecay } = this.options
    for (const [name, weight] of Object.entries(this.#parameters)) {
      const count = Math.ceil(weight.size / 4)
      weight.device.run(kernel, {
        bindings: { gradient: gradients[name]!, norm, weight, mean: this.means[name]!, square: this.squares[name]! },
        params: {
          count,
          rate,
          beta1,
          beta2,
          correction1: 1 - beta1 ** this.step,
          correction2: 1 - beta2 ** this.step,
          epsilon,
          decay: weight.shape.length > 1 ? weightDecay : 0,
          maxNorm,
          unscale: 1 / scale,
        },
        workgroups: linearWorkgroups(Math.ceil(count / 64)),
      })
    }
  }

  dispose(): void {
    for (const tensor of [...Object.values(this.means), ...Object.values(this.squares)]) tensor.dispose()
  }

  [Symbol.dispose](): void {
    this.dispose()
  }
}

import { OutriderError } from '@outrider/tensor'

export interface LossScaleOptions {
  /** What losses are multiplied by at first, a power of two. Default 65536. */
  initial?: number | undefined
  /** Steps without overflow after which the scale doubles. Default 2000. */
  growthInterval?: number | undefined
}

/** What a checkpoint keeps of a scaler. */
export interface LossScalerState {
  scale: number
  /** Steps without overflow since the scale last changed. */
  good_steps: number
  /** Steps that changed nothing, in all. */
  skipped_steps: number
}

/**
 * Dynamic loss scaling (Micikevicius et al. 2018, arXiv 1710.03740): the loss is multiplied by a scale that lifts small gradients
 * into the range of f16, and gradients are divided by it again in f32. The scale halves with every step whose gradients
 * overflow, which is skipped, and doubles after so many good ones. As a power of two it changes no digit of what it scales.
 */
export class LossScaler {
  readonly options: { readonly initial: number; readonly growthInterval: number }
  #state: LossScalerState

  /** @throws OutriderError INVALID_ARGUMENT for a scale that is no power of two from 1 on, or an interval below 1 */
  constructor({ initial = 65_536, growthInterval = 2000 }: LossScaleOptions = {}) {
    if (!(initial >= 1 && Number.isFinite(initial) && Number.isInteger(Math.log2(initial))))
      throw new OutriderError('INVALID_ARGUMENT', `The initial loss scale must be a power of two, not ${initial}.`, {
        remedy: 'Leave it out, or give 1024, say.',
      })
    if (!(Number.isInteger(growthInterval) && growthInterval > 0))
      throw new OutriderError(
        'INVALID_ARGUMENT',
        `The loss scale grows after a positive number of steps, not ${growthInterval}.`,
      )
    this.options = { initial, growthInterval }
    this.#state = { scale: initial, good_steps: 0, skipped_steps: 0 }
  }

  get scale(): number {
    return this.#state.scale
  }

  get skippedSteps(): number {
    return this.#state.skipped_steps
  }

  /**
   * Draws the consequence of a step for the next.
   *
   * @throws OutriderError INVALID_ARGUMENT where even the unscaled loss has overflowed
   */
  update(overflowed: boolean): void {
    const { scale, good_steps, skipped_steps } = this.#state
    if (overflowed) {
      if (scale <= 1)
        throw new OutriderError(
          'INVALID_ARGUMENT',
          'Activations or gradients do not fit in half precision, whatever the loss is multiplied by.',
          { remedy: "Train with precision 'f32', lower the learning rate, or lengthen the warm-up." },
        )
      this.#state = { scale: scale / 2, good_steps: 0, skipped_steps: skipped_steps + 1 }
      return
    }
    const grown = good_steps + 1 === this.options.growthInterval
    this.#state = { scale: grown ? scale * 2 : scale, good_steps: grown ? 0 : good_steps + 1, skipped_steps }
  }

  state(): LossScalerState {
    return { ...this.#state }
  }

  /** @throws OutriderError FILE_FORMAT for what is no scaler's state */
  restore(state: LossScalerState | undefined, where: string): void {
    const values = [state?.scale, state?.good_steps, state?.skipped_steps]
    if (!state || !values.every((value) => Number.isFinite(value) && value! >= 0) || state.scale < 1)
      throw new OutriderError('FILE_FORMAT', `${where}: the state of the loss scale is missing or damaged.`, {
        remedy: 'Train into another directory.',
      })
    this.#state = { scale: state.scale, good_steps: state.good_steps, skipped_steps: state.skipped_steps }
  }
}

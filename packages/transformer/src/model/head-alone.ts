import { type Device, type Head, OutriderError, rmsNorm, type Tensor } from '@outrider/tensor'
import type { ModelConfig } from '../config/index'
import { describeModel } from './describe-model'
import type { Norm } from './layer'
import { type ModelParameters, parameterCount } from './parameters'
import type { HiddenStatesLM } from './trainable-lm'

/** Names and shapes of the parameters behind the last layer: its norm, and the head. */
export function headShapes(config: ModelConfig): Map<string, readonly number[]> {
  const { norm, head } = describeModel({ ...config, layers: 0 })
  return new Map([
    [norm.weight, [norm.size]],
    [head.weight, [head.rows, head.columns]],
  ])
}

/**
 * What of a model is behind its last layer: the norm and the head, which make a distribution of hidden states that were computed
 * elsewhere. It reads no tokens.
 */
export class HeadAlone implements HiddenStatesLM {
  readonly device: Device
  readonly config: ModelConfig
  readonly parameters: ModelParameters
  readonly isHeadAlone = true
  /** Of the whole model. */
  readonly parameterCount: number
  readonly #norm: Norm
  readonly #head: Head

  /** @param parameters  those of `headShapes`; it takes them over */
  constructor(device: Device, config: ModelConfig, parameters: ModelParameters) {
    const { norm, head } = describeModel({ ...config, layers: 0 })
    this.device = device
    this.config = config
    this.parameters = parameters
    this.parameterCount = parameterCount(config)
    this.#norm = norm
    const { scale, softCap } = head
    this.#head = { weight: parameters[head.weight]!, scale, ...(softCap !== undefined && { softCap }) }
  }

  head(): Head {
    return this.#head
  }

  finalNorm(states: Tensor): Tensor {
    return rmsNorm(states, this.parameters[this.#norm.weight]!, this.#norm)
  }

  hidden(): never {
    throw noLayers()
  }

  forward(): never {
    throw noLayers()
  }

  createCache(): never {
    throw noLayers()
  }

  dispose(): void {
    for (const tensor of Object.values(this.parameters)) tensor.dispose()
  }
}

const noLayers = () =>
  new OutriderError('UNSUPPORTED', 'Of this model only the head is here: it reads no tokens.', {
    remedy: 'Load the whole model (loadCausalLM), or give it hidden states of all that it is to say.',
  })

import { type Device, uniform01 } from '@outrider/tensor'
import type { ModelConfig } from '../config/index'
import { Decoder } from './decoder'

/** A model whose biases and norms are not those of a fresh one, so that leaving them out would show. */
export function randomised(device: Device, config: ModelConfig, seed: number): Decoder {
  const model = Decoder.initialize(device, config, { seed })
  for (const [i, [name, tensor]] of Object.entries(model.parameters).entries())
    if (tensor.shape.length === 1) {
      const values = Float32Array.from({ length: tensor.size }, (_, j) => uniform01(i, j) - 0.5)
      const { normOffset = 0 } = config
      tensor.write(name.endsWith('.bias') ? values : values.map((value) => 1 - normOffset + value))
    }
  return model
}

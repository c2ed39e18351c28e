import type { Head } from '@outrider/losses'
import type { Tensor } from '@outrider/tensor'
import { headWeight, type ModelConfig, type Parameters } from '@outrider/transformer'

/** Hidden states [batch, length, width] as rows, with the head that reads them. */
export function headOf(config: ModelConfig, parameters: Parameters, hidden: Tensor): Head {
  const width = hidden.shape.at(-1)!
  return { hidden: hidden.reshape([hidden.size / width, width]), weight: headWeight(config, parameters) }
}

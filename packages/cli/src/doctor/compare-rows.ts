import type { Device, Tensor } from '@outrider/tensor'
import { Decoder, type ModelConfig } from '@outrider/transformer'
import type { Finding } from './finding'

/** A random model of one layer, wide enough that sums have an order. */
const config: ModelConfig = {
  architecture: 'llama',
  vocabularySize: 96,
  hiddenSize: 64,
  intermediateSize: 96,
  layers: 1,
  heads: 4,
  kvHeads: 2,
  headDim: 16,
  contextLength: 32,
  ropeTheta: 10_000,
  rmsNormEpsilon: 1e-5,
  tieWordEmbeddings: true,
  bosTokenId: 0,
  eosTokenIds: [],
  initializerRange: 0.5,
}

const tokens = [5, 17, 3, 90, 41]

/** How many of a small model's logits are other bits in one pass over five rows than in five passes over one. */
export async function differingLogits(device: Device): Promise<{ differing: number; compared: number }> {
  using model = Decoder.initialize(device, config, { seed: 1 })
  const read = async (steps: readonly (readonly number[])[]) => {
    const cache = model.createCache({ capacity: tokens.length })
    const logits: Tensor[] = []
    try {
      for (const step of steps) {
        using row = device.tensor(Uint32Array.from(step), { shape: [1, step.length] })
        logits.push(model.forward(row, { cache }))
      }
      const values = await Promise.all(logits.map((tensor) => tensor.data()))
      return values.flatMap((some) => [...new Uint32Array(some.slice().buffer)])
    } finally {
      for (const tensor of logits) tensor.dispose()
      cache.dispose()
    }
  }
  const together = await read([tokens])
  const alone = await read(tokens.map((token) => [token]))
  return { differing: together.filter((bits, i) => bits !== alone[i]).length, compared: together.length }
}

/** What is wrong where they differ: text without randomness may then not be what it is without a draft. */
export const rowFindings = ({ differing, compared }: { differing: number; compared: number }): Finding[] =>
  differing === 0
    ? []
    : [
        {
          level: 'problem',
          what: `Rows depend on the rows beside them: ${differing} of ${compared} logits of five rows have other bits alone.`,
          remedy:
            'Greedy text with a draft may differ from that without where two tokens are equally likely. Update the graphics driver, and report it with `outrider doctor --json`.',
        },
      ]

import { add, headLogits, multiply, sum, type Tensor, trainingLogits, valueAndGradient } from '@outrider/tensor'
import { expectAllClose, testDevice } from '@outrider/tensor/testing'
import { expect, it } from 'vitest'
import type { ModelConfig } from '../config/index'
import type { ModelParameters } from './parameters'
import { randomised } from './randomised.fixture'
import { type HostParameters, referenceLogits } from './reference-decoder.fixture'
import { smallConfig } from './small-config.fixture'

const small: ModelConfig = { ...smallConfig, headDim: 8, ropeTheta: 100 }
const forms: [string, ModelConfig][] = [
  ['a Llama', small],
  [
    'one with a window, biases, head norms and a tied head',
    {
      ...{ ...small, slidingWindow: 3, attentionBias: 'all', qkNorm: 'head', tieWordEmbeddings: true },
    },
  ],
  [
    'one with LongRoPE, of part of each head',
    {
      ...{ ...small, rotaryDim: 4 },
      ropeScaling: {
        ...{ type: 'longrope', originalContextLength: 8, shortFactors: [1, 1.25], longFactors: [1.5, 4] },
        attentionFactor: 1.19,
      },
    },
  ],
]

/** Six tokens, behind them a branch after two of these and one after four: what each reads, itself last. */
const tokens = [1, 5, 2, 12, 7, 3, 9, 9, 9, 4, 9]
const paths = [
  ...Array.from({ length: 6 }, (_, t) => Array.from({ length: t + 1 }, (_, i) => i)),
  [0, 1, 6],
  [0, 1, 6, 7],
  [0, 1, 2, 3, 8],
  [0, 1, 2, 3, 8, 9],
  [0, 1, 2, 3, 8, 9, 10],
]
const visibility = paths.flatMap((path, row) => {
  if (row < 6) return [row + 1, 0, 0]
  const [prefix, group] = row < 8 ? [2, 6] : [4, 8]
  return [prefix, group, 2 ** (path.length - prefix) - 1]
})
const positions = paths.map((path) => path.length - 1)
/** So that the LongRoPE is that of a short context, though there are more tokens than it has. */
const context = 8

/** Two sequences: as above, and another one read the other way round in its ids. */
const sequences = [tokens, tokens.map((id) => 12 - id)]

for (const [name, config] of forms)
  it(`says of every branch of tokens what it says of its path alone: ${name}`, async () => {
    const device = await testDevice()
    const host: HostParameters = {}
    using model = randomised(device, config, 5)
    for (const [name, tensor] of Object.entries(model.parameters)) host[name] = (await tensor.data()) as Float32Array
    const { vocabularySize } = config
    const expected = sequences.flatMap((ids) =>
      paths.flatMap(
        (path) =>
          referenceLogits(
            config,
            host,
            path.map((at) => ids[at]!),
          ).at(-1)!,
      ),
    )
    const logits = device.scope(() => {
      const places = {
        positions: device.tensor(Uint32Array.from([...positions, ...positions])),
        visibility: device.tensor(Uint32Array.from([...visibility, ...visibility]), { shape: [2, tokens.length, 3] }),
        context,
      }
      const ids = device.tensor(Uint32Array.from(sequences.flat()), { shape: [2, tokens.length] })
      return headLogits(model.head(), model.trainingHidden(model.parameters, ids, { places }))
    })
    expect(logits.shape).toEqual([2, tokens.length, vocabularySize])
    await expectAllClose(logits, expected, { absolute: 2e-5, relative: 1e-4 })
    logits.dispose()
  })

for (const activationCheckpointing of [false, true])
  it(`has the gradients of the paths, one after another${activationCheckpointing ? ', where layers are computed again' : ''}`, async () => {
    const device = await testDevice()
    const config = forms[1]![1]
    using model = randomised(device, config, 6)
    const weightOf = (row: number, length: number) =>
      Float32Array.from({ length }, (_, i) => Math.sin(1 + row * length + i))
    const size = config.vocabularySize
    const sumOf = (parameters: ModelParameters, hidden: Tensor, weights: Float32Array) =>
      sum(
        multiply(
          trainingLogits(model.head(parameters), hidden),
          device.tensor(weights, { shape: [weights.length / size, size] }),
        ),
      )
    const matrix = (x: Tensor) => x.reshape([x.size / config.hiddenSize, config.hiddenSize])
    const whole = device.scope(() => {
      const places = {
        positions: device.tensor(Uint32Array.from(positions)),
        visibility: device.tensor(Uint32Array.from(visibility), { shape: [1, tokens.length, 3] }),
        context,
      }
      const ids = device.tensor(Uint32Array.from(tokens), { shape: [1, tokens.length] })
      const weights = Float32Array.from(paths.flatMap((_, row) => [...weightOf(row, size)]))
      return valueAndGradient(model.parameters, (parameters) =>
        sumOf(parameters, matrix(model.trainingHidden(parameters, ids, { places, activationCheckpointing })), weights),
      ).gradients
    })
    const apart = device.scope(
      () =>
        valueAndGradient(model.parameters, (parameters) =>
          paths
            .map((path, row) => {
              const ids = device.tensor(
                Uint32Array.from(path, (at) => tokens[at]!),
                { shape: [1, path.length] },
              )
              const weights = new Float32Array(path.length * size)
              weights.set(weightOf(row, size), (path.length - 1) * size)
              return sumOf(parameters, matrix(model.trainingHidden(parameters, ids)), weights)
            })
            .reduce((a, b) => add(a, b)),
        ).gradients,
    )
    for (const [name, gradient] of Object.entries(whole)) {
      const expected = await apart[name]!.data()
      const largest = Math.max(...expected.map(Math.abs))
      expect(largest, name).toBeGreaterThan(0)
      await expectAllClose(gradient, expected, { absolute: 2e-5 * largest, relative: 1e-3 })
    }
    for (const gradients of [whole, apart]) for (const tensor of Object.values(gradients)) tensor.dispose()
  }, 300_000) // the kernels of both passes are compiled here

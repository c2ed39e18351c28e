import {
  crossEntropy,
  type Device,
  linear,
  type MatmulOptions,
  matmul,
  mean,
  rmsNorm,
  softmax,
  type Tensor,
  trainingLogits,
  valueAndGradient,
} from '@outrider/tensor'
import { AdamW, gradientNorm } from '@outrider/training'
import { Decoder } from '@outrider/transformer'
import { parityConfig } from './parity-config'
import { type Contender, common, type Matrix, type Operation } from './peers'

/** Outrider as a contender; with a kernel of matmul by name, or with the layer for a few rows. */
export function outrider(device: Device, kernel?: MatmulOptions['kernel'] | 'linear'): Contender {
  const operation = (inputs: readonly Tensor[], f: () => Tensor): Operation => ({
    async run() {
      f().dispose()
      await device.idle()
    },
    async read() {
      using y = f()
      return (await y.data()) as Float32Array
    },
    dispose() {
      for (const tensor of inputs) tensor.dispose()
    },
  })
  return {
    name: kernel ? `outrider/${kernel}` : 'outrider',
    async matmul(a, b, [m, n, k]) {
      const x = device.tensor(a, { shape: [m, k] })
      if (kernel !== 'linear' && kernel !== 'dot') {
        const y = device.tensor(b, { shape: [k, n] })
        return operation([x, y], () => matmul(x, y, kernel ? { kernel } : {}))
      }
      const weight = device.tensor(transposed({ data: b, shape: [k, n] }), { shape: [n, k] })
      return operation([x, weight], () =>
        kernel === 'linear' ? linear(x, weight) : matmul(x, weight, { transposeB: true, kernel }),
      )
    },
    async softmax(x, shape) {
      const input = device.tensor(x, { shape })
      return operation([input], () => softmax(input))
    },
    async rmsNorm(x, w, shape) {
      const [input, weight] = [device.tensor(x, { shape }), device.tensor(w)]
      return operation([input, weight], () => rmsNorm(input, weight, { epsilon: 1e-5 }))
    },
    async crossEntropy(x, labels, shape) {
      const [logits, targets] = [device.tensor(x, { shape }), device.tensor(Uint32Array.from(labels))]
      return operation([logits, targets], () => device.scope(() => mean(crossEntropy(logits, targets))))
    },
    async crossEntropyGradient(x, labels, shape) {
      const [logits, targets] = [device.tensor(x, { shape }), device.tensor(Uint32Array.from(labels))]
      return operation([logits, targets], () => {
        const { value, gradients } = valueAndGradient({ logits }, (p) => mean(crossEntropy(p.logits, targets)))
        value.dispose()
        return gradients.logits
      })
    },
    trainingStep: async () => trainingStep(device),
  }
}

function trainingStep(device: Device) {
  const { d, seq, batch, vocab } = common.parity
  const config = parityConfig
  const weights = common.parityWeights()
  const tensor = ({ data, shape }: Matrix) => device.tensor(data, { shape })
  const asLinear = (matrix: Matrix) => tensor({ data: transposed(matrix), shape: [matrix.shape[1], matrix.shape[0]] })
  const ones = () => device.full([d], 1)
  const parameters: Record<string, Tensor> = {
    'model.embed_tokens.weight': tensor(weights.emb),
    'model.norm.weight': ones(),
    'lm_head.weight': asLinear(weights.head),
  }
  const names = {
    wq: 'self_attn.q_proj',
    wk: 'self_attn.k_proj',
    wv: 'self_attn.v_proj',
    wo: 'self_attn.o_proj',
    w1: 'mlp.gate_proj',
    w3: 'mlp.up_proj',
    w2: 'mlp.down_proj',
  } as const
  for (const [i, layer] of weights.layers.entries()) {
    for (const [short, name] of Object.entries(names))
      parameters[`model.layers.${i}.${name}.weight`] = asLinear(layer[short as keyof typeof names])
    for (const norm of ['input_layernorm', 'post_attention_layernorm'])
      parameters[`model.layers.${i}.${norm}.weight`] = ones()
  }
  const tokens = common.parityTokens()
  const inputs = device.tensor(Uint32Array.from(tokens.inputs), { shape: [batch, seq] })
  const labels = device.tensor(Uint32Array.from(tokens.labels))
  const model = new Decoder(device, config, parameters)
  const optimizer = new AdamW(parameters, { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 })
  return {
    async step() {
      const value = device.scope(() => {
        const { value, gradients } = valueAndGradient(parameters, (p) =>
          mean(
            crossEntropy(
              trainingLogits(model.head(p), model.trainingHidden(p, inputs)).reshape([batch * seq, vocab]),
              labels,
            ),
          ),
        )
        optimizer.update(gradients, gradientNorm(Object.values(gradients)).norm, 1e-3, 0)
        return value
      })
      const loss = await value.item()
      value.dispose()
      await device.idle()
      return loss
    },
    dispose() {
      for (const tensor of [inputs, labels, ...Object.values(parameters)]) tensor.dispose()
      optimizer.dispose()
    },
  }
}

function transposed({ data, shape: [rows, columns] }: Matrix): Float32Array {
  const turned = new Float32Array(data.length)
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) turned[c * rows + r] = data[r * columns + c]!
  return turned
}

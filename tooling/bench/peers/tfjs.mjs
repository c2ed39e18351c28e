// TensorFlow.js on WebGPU. Bundled before it runs: its gradients are ES modules that Node does not resolve.
import * as tf from '@tensorflow/tfjs-core'
import '@tensorflow/tfjs-core/dist/register_all_gradients.js'
import { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu'
import { parity, parityTokens, parityWeights, resting, rotary } from './common.mjs'

export async function createPeer() {
  const adapter = await navigator.gpu.requestAdapter({ powerPreference: 'high-performance' })
  const names = [
    'maxComputeWorkgroupStorageSize',
    'maxComputeWorkgroupsPerDimension',
    'maxStorageBufferBindingSize',
    'maxBufferSize',
    'maxComputeWorkgroupSizeX',
    'maxComputeInvocationsPerWorkgroup',
  ]
  const device = await adapter.requestDevice({
    requiredLimits: Object.fromEntries(names.map((name) => [name, adapter.limits[name]])),
  })
  tf.registerBackend('webgpu', () => new WebGPUBackend(device, adapter.info))
  tf.env().set('WEBGPU_CPU_FORWARD', false)
  await tf.setBackend('webgpu')
  await tf.ready()
  const backend = tf.backend()
  const done = () => {
    backend.ensureCommandEncoderReady?.()
    backend.endComputePassEncoder()
    backend.submitQueue()
    return resting(backend.queue.onSubmittedWorkDone())
  }
  const operation = (f, inputs) => ({
    async run() {
      const y = f(...inputs)
      await done()
      tf.dispose(y)
    },
    async read() {
      const y = f(...inputs)
      const last = Array.isArray(y) ? y.at(-1) : y
      const data = Float32Array.from(await resting(last.data()))
      tf.dispose(y)
      return data
    },
    dispose: () => tf.dispose(inputs),
  })
  const rmsNorm = (x, w) => tf.tidy(() => tf.mul(tf.mul(x, tf.rsqrt(tf.add(tf.mean(tf.square(x), -1, true), 1e-5))), w))
  const crossEntropy = (labels, n) => (logits) =>
    tf.losses.softmaxCrossEntropy(tf.oneHot(tf.tensor1d(labels, 'int32'), n), logits)
  return {
    name: 'tfjs/webgpu',
    matmul: async (a, b, [m, n, k]) =>
      operation((x, y) => tf.matMul(x, y), [tf.tensor(a, [m, k]), tf.tensor(b, [k, n])]),
    softmax: async (x, shape) => operation((y) => tf.softmax(y), [tf.tensor(x, shape)]),
    rmsNorm: async (x, w, shape) => operation(rmsNorm, [tf.tensor(x, shape), tf.tensor(w, [shape[1]])]),
    crossEntropy: async (x, labels, [rows, n]) =>
      operation((lg) => tf.tidy(() => crossEntropy(labels, n)(lg)), [tf.tensor(x, [rows, n])]),
    crossEntropyGradient: async (x, labels, [rows, n]) =>
      operation(
        (lg) =>
          tf.tidy(() => {
            const { value, grad } = tf.valueAndGrad(crossEntropy(labels, n))(lg)
            return [value, grad]
          }),
        [tf.tensor(x, [rows, n])],
      ),
    trainingStep: async () => trainingStep(),
  }

  function trainingStep() {
    const { d, heads, seq, batch, vocab } = parity
    const width = d / heads
    const weights = parityWeights()
    const load = ({ data, shape }) => tf.variable(tf.tensor(data, shape))
    const ones = () => tf.variable(tf.ones([d]))
    const p = {
      emb: load(weights.emb),
      norm: ones(),
      head: load(weights.head),
      layers: weights.layers.map((layer) => ({
        n1: ones(),
        n2: ones(),
        ...Object.fromEntries(Object.entries(layer).map(([name, matrix]) => [name, load(matrix)])),
      })),
    }
    const variables = [p.emb, p.norm, p.head, ...p.layers.flatMap((layer) => Object.values(layer))]
    const tables = rotary()
    const cos = tf.tensor(tables.cos, [1, seq, 1, width])
    const sin = tf.tensor(tables.sin, [1, seq, 1, width])
    const maskValues = Float32Array.from({ length: seq * seq }, (_, i) => (i % seq > Math.floor(i / seq) ? -1e9 : 0))
    const mask = tf.tensor(maskValues, [1, 1, seq, seq])
    const rope = (x) => {
      const [a, b] = tf.split(x, 2, -1)
      return tf.add(tf.mul(x, cos), tf.mul(tf.concat([tf.neg(b), a], -1), sin))
    }
    const { inputs, labels } = parityTokens()
    const xs = tf.tensor(inputs, [batch * seq], 'int32')
    const loss = () => {
      let h = tf.gather(p.emb, xs)
      for (const layer of p.layers) {
        const n = rmsNorm(h, layer.n1)
        const split = (w) => tf.reshape(tf.matMul(n, w), [batch, seq, heads, width])
        const swap = (x) => tf.transpose(x, [0, 2, 1, 3])
        const [q, k, v] = [swap(rope(split(layer.wq))), swap(rope(split(layer.wk))), swap(split(layer.wv))]
        const scores = tf.softmax(tf.add(tf.mul(tf.matMul(q, k, false, true), 1 / Math.sqrt(width)), mask))
        const mixed = tf.reshape(swap(tf.matMul(scores, v)), [batch * seq, d])
        h = tf.add(h, tf.matMul(mixed, layer.wo))
        const m = rmsNorm(h, layer.n2)
        const gate = tf.matMul(m, layer.w1)
        h = tf.add(h, tf.matMul(tf.mul(tf.mul(gate, tf.sigmoid(gate)), tf.matMul(m, layer.w3)), layer.w2))
      }
      return crossEntropy(labels, vocab)(tf.matMul(rmsNorm(h, p.norm), p.head))
    }
    const optimizer = tf.train.adam(1e-3, 0.9, 0.999, 1e-8)
    return {
      async step() {
        const cost = optimizer.minimize(() => loss(), true, variables)
        const [value] = await resting(cost.data())
        await done()
        cost.dispose()
        return value
      },
      dispose: () => tf.dispose(variables),
    }
  }
}

// @jax-js/jax on WebGPU or WebAssembly, everything under jit.
import './iterator-helpers.mjs'
import { parity, parityTokens, parityWeights, resting, rotary } from './common.mjs'

/** @param {'webgpu' | 'wasm'} backend */
export async function createPeer(backend) {
  const jax = await import('@jax-js/jax')
  const { numpy: np, nn, jit, tree, valueAndGrad } = jax
  const found = await jax.init()
  if (!found.includes(backend)) throw new Error(`jax-js has no ${backend} here, only ${found.join(', ')}`)
  jax.defaultDevice(backend)
  const done = (x) => resting(jax.blockUntilReady(x))
  const array = (data, shape) => np.array(data).reshape(shape)
  // nn.oneHot gathers from an identity of n × n, too large for one binding: a comparison fuses.
  const oneHot = (x, n) =>
    np.where(np.equal(x.reshape([x.size, 1]), np.arange(n).reshape([1, n])), 1, 0).astype(np.float32)
  const rmsNorm = (x, w) =>
    x.ref.mul(np.reciprocal(np.sqrt(np.mean(np.square(x), -1, { keepdims: true }).add(1e-5)))).mul(w)
  const crossEntropy = (logits, labels, n) =>
    np.mean(nn.logsumexp(logits.ref, -1).sub(np.sum(logits.mul(oneHot(labels, n)), -1)))

  /** A jitted function of arrays that stay. */
  const operation = async (f, inputs) => {
    await done(inputs)
    const compiled = jit(f)
    const call = () => compiled(...inputs.map((x) => x.ref))
    return {
      async run() {
        const y = call()
        await done(y)
        tree.dispose(y)
      },
      async read() {
        const y = call()
        const leaves = tree.leaves(y)
        return Float32Array.from(await resting(leaves.at(-1).data()))
      },
      dispose: () => tree.dispose(inputs),
    }
  }
  return {
    name: `jax-js/${backend}`,
    matmul: (a, b, [m, n, k]) => operation((x, y) => np.matmul(x, y), [array(a, [m, k]), array(b, [k, n])]),
    softmax: (x, shape) => operation((y) => nn.softmax(y, -1), [array(x, shape)]),
    rmsNorm: (x, w, shape) => operation(rmsNorm, [array(x, shape), array(w, [shape[1]])]),
    crossEntropy: (x, labels, [rows, n]) =>
      operation((lg, y) => crossEntropy(lg, y, n), [array(x, [rows, n]), np.array(labels)]),
    crossEntropyGradient: (x, labels, [rows, n]) =>
      operation(
        (lg, y) => valueAndGrad((l, z) => crossEntropy(l, z, n))(lg, y),
        [array(x, [rows, n]), np.array(labels)],
      ),
    trainingStep: () => trainingStep(),
  }

  async function trainingStep() {
    const { d, heads, seq, batch, vocab } = parity
    const width = d / heads
    const weights = parityWeights()
    const load = ({ data, shape }) => array(data, shape)
    let p = {
      emb: load(weights.emb),
      norm: np.ones([d]),
      head: load(weights.head),
      layers: weights.layers.map((layer) => ({
        n1: np.ones([d]),
        n2: np.ones([d]),
        ...Object.fromEntries(Object.entries(layer).map(([name, matrix]) => [name, load(matrix)])),
      })),
    }
    const { cos, sin } = rotary()
    const rope = (x) => {
      const [a, b] = np.split(x.ref, 2, -1)
      const turned = np.concatenate([b.mul(-1), a], -1)
      return x.mul(array(cos, [seq, 1, width])).add(turned.mul(array(sin, [seq, 1, width])))
    }
    const loss = (q, x, y) => {
      let h = np.matmul(oneHot(x.reshape([batch * seq]), vocab), q.emb).reshape([batch, seq, d])
      for (const layer of q.layers) {
        const n = rmsNorm(h.ref, layer.n1)
        const split = (w) => np.matmul(n.ref, w).reshape([batch, seq, heads, width])
        const [query, key] = [rope(split(layer.wq)), rope(split(layer.wk))]
        const value = np.matmul(n, layer.wv).reshape([batch, seq, heads, width])
        const mixed = nn.dotProductAttention(query, key, value, { isCausal: true }).reshape([batch, seq, d])
        h = h.add(np.matmul(mixed, layer.wo))
        const m = rmsNorm(h.ref, layer.n2)
        h = h.add(np.matmul(nn.silu(np.matmul(m.ref, layer.w1)).mul(np.matmul(m, layer.w3)), layer.w2))
      }
      const logits = np.matmul(rmsNorm(h, q.norm), q.head).reshape([batch * seq, vocab])
      return crossEntropy(logits, y.reshape([batch * seq]), vocab)
    }
    const [b1, b2, rate] = [0.9, 0.999, 1e-3]
    const step = jit((q, means, squares, t, x, y) => {
      const [value, g] = valueAndGrad(loss)(tree.ref(q), x, y)
      const m2 = tree.map((m, dx) => m.mul(b1).add(dx.mul(1 - b1)), means, tree.ref(g))
      const s2 = tree.map((s, dx) => s.mul(b2).add(np.square(dx).mul(1 - b2)), squares, g)
      const c1 = np.reciprocal(
        np
          .exp(t.ref.mul(Math.log(b1)))
          .mul(-1)
          .add(1),
      )
      const c2 = np.reciprocal(
        np
          .exp(t.mul(Math.log(b2)))
          .mul(-1)
          .add(1),
      )
      const moved = tree.map(
        (w, m, s) =>
          w.sub(
            m
              .mul(c1.ref)
              .mul(rate)
              .div(np.sqrt(s.mul(c2.ref)).add(1e-8)),
          ),
        q,
        tree.ref(m2),
        tree.ref(s2),
      )
      c1.dispose()
      c2.dispose()
      return [value, moved, m2, s2]
    })
    let means = tree.map((x) => np.zerosLike(x), tree.ref(p))
    let squares = tree.map((x) => np.zerosLike(x), tree.ref(p))
    let t = 0
    const { inputs, labels } = parityTokens()
    return {
      async step() {
        let value
        ;[value, p, means, squares] = step(
          p,
          means,
          squares,
          np.array([++t]).astype(np.float32).reshape([]),
          np.array(inputs).reshape([batch, seq]),
          np.array(labels).reshape([batch, seq]),
        )
        const [loss] = await resting(value.data())
        await done(p)
        return loss
      },
      dispose: () => tree.dispose([p, means, squares]),
    }
  }
}

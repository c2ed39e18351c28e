/** Deterministic values, as all contenders get them. */
export function values(size, scale = 1, seed = 1) {
  let state = seed >>> 0 || 1
  const all = new Float32Array(size)
  for (let i = 0; i < size; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    all[i] = (state / 4294967296 - 0.5) * 3.46 * scale
  }
  return all
}

/** The Llama that every contender trains: 1.377 million parameters, random tokens. */
export const parity = { d: 128, layers: 4, heads: 4, seq: 128, batch: 8, vocab: 2048, ff: 384 }

export function parityTokens() {
  const { seq, batch, vocab } = parity
  const tokens = (shift) => Int32Array.from({ length: batch * seq }, (_, i) => ((i + shift) * 7919) % vocab)
  return { inputs: tokens(0), labels: tokens(1) }
}

/** Weights of the parity model, [in, out], by the names that the peers give them. */
export function parityWeights() {
  const { d, vocab, ff, layers } = parity
  const matrix = (shape, scale, seed) => ({ shape, data: values(shape[0] * shape[1], scale, seed) })
  return {
    emb: matrix([vocab, d], 0.02, 10),
    head: matrix([d, vocab], 0.02, 11),
    layers: Array.from({ length: layers }, (_, l) => ({
      wq: matrix([d, d], 0.05, 20 + l),
      wk: matrix([d, d], 0.05, 30 + l),
      wv: matrix([d, d], 0.05, 40 + l),
      wo: matrix([d, d], 0.05, 50 + l),
      w1: matrix([d, ff], 0.05, 60 + l),
      w3: matrix([d, ff], 0.05, 70 + l),
      w2: matrix([ff, d], 0.05, 80 + l),
    })),
  }
}

/** cos and sin of the rotary angles, [seq, heads' width]. */
export function rotary() {
  const { d, heads, seq } = parity
  const width = d / heads
  const angle = (i) => Math.floor(i / width) / 10000 ** ((2 * ((i % width) % (width / 2))) / width)
  const table = (f) => Float32Array.from({ length: seq * width }, (_, i) => f(angle(i)))
  return { cos: table(Math.cos), sin: table(Math.sin) }
}

const clock = new Int32Array(new SharedArrayBuffer(4))

/**
 * Dawn polls in a busy loop while a promise is pending, which takes a core from a software adapter: Outrider sleeps between
 * the polls, and so does every peer here.
 */
export async function resting(promise) {
  let pending = true
  const poll = () => {
    if (!pending) return
    Atomics.wait(clock, 0, 0, 0.2)
    setImmediate(poll)
  }
  setImmediate(poll)
  try {
    return await promise
  } finally {
    pending = false
  }
}

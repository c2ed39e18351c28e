import { describe, expect, it } from 'vitest'
import { valueAndGradient } from '../../autograd/value-and-gradient'
import { testDevice } from '../../testing'
import { sum } from '../reduce/sum'
import { geglu } from './gated'

const inner = (x: number) => Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)
const gelu = (x: number) => x / (1 + Math.exp(-2 * inner(x)))
const slope = (x: number) => {
  const t = Math.tanh(inner(x))
  return (1 + t) / 2 + (x / 2) * (1 - t * t) * Math.sqrt(2 / Math.PI) * (1 + 3 * 0.044715 * x * x)
}

describe('geglu', () => {
  it('agrees with float64 from the middle into both tails, and so do its gradients', async () => {
    const device = await testDevice()
    const gates = Float32Array.from({ length: 121 }, (_, i) => (i - 60) / 10)
    using x = device.tensor(gates)
    using up = device.full([gates.length], 1.5)
    const { value, gradients, aux } = valueAndGradient([x, up], ([x, up]) => {
      const aux = geglu(x!, up!)
      return { value: sum(aux), aux }
    })
    const [y, dgate, dup] = await Promise.all([aux, ...gradients].map((tensor) => tensor.data()))
    for (const [i, gate] of gates.entries()) {
      expect(y![i]! / (1.5 * gelu(gate) || 1), `the value at ${gate}`).toBeCloseTo(gate === 0 ? 0 : 1, 4)
      expect(dgate![i]!, `the slope at ${gate}`).toBeCloseTo(1.5 * slope(gate), 5)
      expect(dup![i]!, `the gradient in up at ${gate}`).toBeCloseTo(gelu(gate), 5)
    }
    for (const tensor of [value, aux, ...gradients]) tensor.dispose()
  })

  it('is the gate itself, or 0, however large the gate is, and its slope 1 or 0', async () => {
    const device = await testDevice()
    const large = [1e1, 1e2, 1e12, 1e30, 3e38]
    using x = device.tensor([...large, ...large.map((gate) => -gate)])
    using one = device.full([2 * large.length], 1)
    const { value, gradients, aux } = valueAndGradient([x, one], ([x, one]) => {
      const aux = geglu(x!, one!)
      return { value: sum(aux), aux }
    })
    const zeros = large.map(() => 0)
    const found = async (i: number) => Array.from(await [aux, ...gradients][i]!.data(), (value) => value + 0)
    const exact = [...Float32Array.from(large)]
    expect(await found(0)).toEqual([...exact, ...zeros])
    expect(await found(1)).toEqual([...large.map(() => 1), ...zeros])
    expect(await found(2)).toEqual([...exact, ...zeros])
    for (const tensor of [value, aux, ...gradients]) tensor.dispose()
  })
})

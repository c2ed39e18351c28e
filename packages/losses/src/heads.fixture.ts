import type { Device, Head } from '@outrider/tensor'
import { testDevice } from '@outrider/tensor/testing'
import { logitsOf } from './testing/position'

interface HeadSizes {
  hiddenSize: number
  vocabulary: number
}

/** Random hidden states of a draft and a target with the weights of their heads, and what losses are given besides. */
export async function randomStates(
  { rows, sequenceLength }: { rows: number; sequenceLength: number },
  { draft, target }: Record<'draft' | 'target', HeadSizes>,
) {
  const device = await testDevice()
  const matrix = (rows: number, columns: number, stream: number) =>
    device.tensor(logitsOf(rows * columns, stream, 1), { shape: [rows, columns] })
  return {
    device,
    draft: { hidden: matrix(rows, draft.hiddenSize, 1), weight: matrix(draft.vocabulary, draft.hiddenSize, 2) },
    target: {
      hidden: matrix(rows, target.hiddenSize, 3),
      head: { weight: matrix(target.vocabulary, target.hiddenSize, 4) },
    },
    rest: {
      labels: device.tensor(Uint32Array.from({ length: rows }, (_, i) => (7 * i) % draft.vocabulary)),
      mask: device.tensor(Float32Array.from({ length: rows }, (_, i) => (i % 5 === 3 ? 0 : 1))),
      sequenceLength,
      seed: 11,
    },
  }
}

/** The head of which hidden states are the logits. */
export function unitHead(device: Device, size: number): Head {
  const unit = Float32Array.from({ length: size * size }, (_, i) => (i % (size + 1) === 0 ? 1 : 0))
  return { weight: device.tensor(unit, { shape: [size, size] }) }
}

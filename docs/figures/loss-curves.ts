import { lineChart } from '@outrider/evaluation'
import { distillationLoss, kld, negativeLogAcceptance, type RowLoss, reverseKld, tvd } from '@outrider/losses'
import { type Device, multiply, valueAndGradient } from '@outrider/tensor'

/** Two tokens: the target gives the first 0.7, the draft gives it p. A row for each p. */
export const q = 0.7
export const probabilities = Array.from({ length: 91 }, (_, i) => (i + 5) / 100)
const losses: readonly RowLoss[] = [kld, reverseKld, tvd, negativeLogAcceptance]

function rowsOf(device: Device) {
  const logit = (probability: number) => Math.log(probability / (1 - probability))
  return {
    draftLogits: device.tensor(probabilities.map((probability) => [logit(probability), 0])), // [rows, 2]
    targetLogits: device.tensor(probabilities.map(() => [logit(q), 0])),
  }
}

/** A loss at every p, from the fused kernels that train. */
export async function valuesOf(device: Device, loss: RowLoss): Promise<number[]> {
  const { draftLogits, targetLogits } = rowsOf(device)
  const weight = device.tensor([
    [1, 0],
    [0, 1],
  ]) // a head that hands hidden states on as logits
  const rows = loss.rows({ draft: { hidden: draftLogits, weight }, target: { hidden: targetLogits, weight } })
  return [...((await rows.losses.data()) as Float32Array)]
}

/** ∂loss/∂(the first token's logit) at every p. */
export async function gradientsOf(device: Device, loss: RowLoss): Promise<number[]> {
  const { draftLogits, targetLogits } = rowsOf(device)
  const { gradients } = valueAndGradient(draftLogits, (logits) =>
    // The loss is the mean over rows; the sum has each row's own gradient.
    multiply(distillationLoss(loss, { draftLogits: logits, targetLogits }).value, probabilities.length),
  )
  const flat = (await gradients.data()) as Float32Array
  return probabilities.map((_, row) => flat[2 * row]!)
}

async function chart(title: string, y: string, id: string, of: (loss: RowLoss) => Promise<number[]>) {
  const series = []
  for (const loss of losses) {
    const values = await of(loss)
    series.push({ name: loss.name, points: probabilities.map((p, row): [number, number] => [p, values[row]!]) })
  }
  return lineChart({ title, x: `the draft's p, where the target's q is ${q}`, y, series }, id)
}

export const lossValues = (device: Device) =>
  chart('Four losses of a draft that has two tokens', 'loss', 'loss-values', (loss) => valuesOf(device, loss))

export const lossGradients = (device: Device) =>
  chart('Their gradients in the logit', '∂loss/∂logit', 'loss-gradients', (loss) => gradientsOf(device, loss))

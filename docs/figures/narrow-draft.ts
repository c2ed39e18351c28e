import { lineChart } from '@outrider/evaluation'
import { distillationLoss, jsd, kld, type RowLoss, reverseKld, tvd } from '@outrider/losses'
import { broadcastTo, type Device, multiply, subtract, valueAndGradient } from '@outrider/tensor'

/** What the target says at four positions that the draft is too small to tell apart: one p must do for all. */
const targets = [
  [0.85, 0.05, 0.05, 0.05],
  [0.85, 0.05, 0.05, 0.05],
  [0.85, 0.05, 0.05, 0.05],
  [0.05, 0.05, 0.05, 0.85],
]
const losses: readonly RowLoss[] = [kld, reverseKld, jsd(), tvd]
const steps = 120
const learningRate = 1

/** α after each step of gradient descent on one loss, from a uniform draft on. */
export async function acceptanceWhileLearning(device: Device, loss: RowLoss): Promise<number[]> {
  const targetLogits = device.tensor(targets.map((q) => q.map(Math.log)))
  let logits = device.zeros([1, 4])
  const rates: number[] = []
  for (let step = 0; step <= steps; step++) {
    const { gradients, aux } = valueAndGradient(logits, (logits) => {
      const { value, acceptanceRate } = distillationLoss(loss, {
        draftLogits: broadcastTo(logits, [4, 4]),
        targetLogits,
      })
      return { value, aux: acceptanceRate! }
    })
    rates.push(await aux.item())
    logits = subtract(logits, multiply(gradients, learningRate))
  }
  return rates
}

export async function narrowDraft(device: Device) {
  const series = []
  for (const loss of losses) {
    const rates = await acceptanceWhileLearning(device, loss)
    series.push({ name: loss.name, points: rates.map((rate, step): [number, number] => [step, rate]) })
  }
  return lineChart(
    { title: 'A draft too small to follow its target, taught with four losses', x: 'step', y: 'α', series },
    'narrow-draft',
  )
}

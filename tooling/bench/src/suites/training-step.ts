import { table } from '../compare'
import { kernelTimes } from '../kernel-times'
import { outrider } from '../outrider'
import { common, openPeers, type Training } from '../peers'
import type { Row, Suite } from '../suite'

const steps = 9

/** One step of Adam on a Llama of 1.377 million parameters; all contenders must go through the same losses. */
export const trainingStepSuite: Suite = {
  name: 'training-step',
  summary: 'one training step of a Llama of 1.4 million parameters, beside jax-js (WebGPU, WebAssembly) and tfjs',
  async run({ device, note, profile }) {
    const contenders = [outrider(device), ...(await openPeers(['jax-js/webgpu', 'jax-js/wasm', 'tfjs/webgpu'], note))]
    const running: { name: string; training: Training; times: number[]; losses: number[] }[] = []
    for (const contender of contenders) {
      note(contender.name)
      const training = await contender.trainingStep()
      running.push({ name: contender.name, training, times: [], losses: [await training.step()] })
    }
    for (let step = 1; step < steps; step++)
      for (const { name, training, times, losses } of running) {
        note(`step ${step + 1}, ${name}`)
        const start = performance.now()
        losses.push(await training.step())
        times.push(performance.now() - start)
      }
    const [ours] = running
    if (profile) profile.push(...(await kernelTimes(device, 'training step', () => ours!.training.step())))
    for (const { training } of running) training.dispose()
    const { batch, seq } = common.parity
    const rows: Row[] = table('training step', running, (ms) => ({ 'tokens/s': (batch * seq * 1000) / ms }))
    return rows.map((row, i) => ({
      ...row,
      first_loss: Number(running[i]!.losses[0]!.toFixed(4)),
      last_loss: Number(running[i]!.losses.at(-1)!.toFixed(4)),
      farthest_from_ours: Number(
        Math.max(...running[i]!.losses.map((loss, j) => Math.abs(loss - ours!.losses[j]!))).toPrecision(2),
      ),
    }))
  },
}

import { multiply } from '@outrider/tensor'
import { median } from '../../compare'
import { common } from '../../inputs'
import type { GpuStep } from '../step'

const pieces = 64

/** The roof of what reads memory, and what a wait and a dispatch cost by themselves. */
export const copyStep: GpuStep = {
  name: 'copy',
  summary: 'a large copy, by the copy engine and by a kernel; a wait, a readback and a dispatch',
  limit: 40,
  async run({ device, timed, world: { copyBytes }, emit }) {
    const count = copyBytes / 4
    const part = device.tensor(common.values(count / pieces, 1, 3))
    const [from, to] = [device.empty([count]).keep(), device.empty([count]).keep()]
    for (let i = 0; i < pieces; i++) device.copy(part, 0, from, (i * count) / pieces, count / pieces)
    const moved = (ms: number) => ({ 'GB/s': (2 * copyBytes) / ms / 1e6 })
    const copied = await timed(() => device.copy(from, 0, to, 0, count))
    using tail = device.empty([4])
    device.copy(to, count - 4, tail, 0, 4)
    const wrong = `${await tail.data()}` === `${(await part.data()).slice(-4)}` ? undefined : 'the copy is another'
    emit({ case: `copy of ${copyBytes / 2 ** 20} MiB`, ...copied, ...moved(copied.ms), wrong })
    const kernel = await timed(() => multiply(from, 1).dispose())
    emit({ case: 'the same by a pointwise kernel', ...kernel, ...moved(kernel.ms) })
    for (const tensor of [from, to, part]) tensor.dispose()

    using x = device.full([64], 1)
    using y = device.empty([64])
    const waits = { wait: () => device.idle(), readback: () => y.data() }
    for (const [name, wait] of Object.entries(waits)) {
      const times: number[] = []
      for (let i = 0; i < 40; i++) {
        const start = performance.now()
        using product = multiply(x, 2)
        device.copy(product, 0, y, 0, 64)
        await wait()
        times.push(performance.now() - start)
      }
      emit({ case: `a small kernel and a ${name}`, ms: median(times) })
    }
    emit({
      case: 'a small kernel among many',
      ...(await timed(() => multiply(x, 2).dispose(), 10_000)),
    })
  },
}

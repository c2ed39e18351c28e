import { OutriderError } from '@outrider/tensor'

/**
 * Runs `work` unless another tab is at work in the same run.
 *
 * @throws OutriderError ABORTED if one is
 */
export async function alone<T>(run: string, work: () => Promise<T>): Promise<T> {
  const { result } = await navigator.locks.request(`outrider-align/${run}`, { ifAvailable: true }, async (lock) => {
    if (lock) return { result: await work() }
    throw new OutriderError('ABORTED', 'Another tab trains this draft.', { remedy: 'Pause it there first.' })
  })
  return result
}

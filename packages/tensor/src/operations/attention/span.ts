import type { Device } from '../../device/device'
import type { AttentionHeads } from '../../tuning/kernel-choices'
import { selectSpan, takesParts } from './select'

/**
 * Keys that a workgroup of attention passes over: as tuning found for such heads, or the device's. It is settled by asking.
 *
 * @param heads  left out, what was tuned has no say
 */
export function spanOf(device: Device, rows: number, heads: AttentionHeads | undefined): number {
  const { capabilities, kernels } = device
  const tuned = heads && takesParts(rows, capabilities) ? kernels.attention(heads) : undefined
  return selectSpan(rows, capabilities, tuned)
}

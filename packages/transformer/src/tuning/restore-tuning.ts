import { type Device, OutriderError } from '@outrider/tensor'
import { type TunedKernels, takesChoice } from '@outrider/tensor/internal'

/**
 * The kernels that tuning chose for something that may be interrupted: others add up in another order, so that they belong to what
 * decides its bits.
 */
export interface RecordedTuning {
  /** The adapter's name. */
  adapter: string
  /** By what they are for; of older versions nothing is recorded. */
  kernels?: Readonly<Record<string, string>> | undefined
}

/** What tuning chose on a device, as far as it is used: to be written down. */
export const tuningInUse = (device: Device): Required<RecordedTuning> => ({
  adapter: device.adapterName,
  kernels: device.kernels.toJSON(),
})

/**
 * Goes on with the kernels that were written down, whatever tuning has found since.
 *
 * @param where  what was begun with them, for errors
 * @returns what cannot be as it was, and does not forbid to go on, of another adapter or where nothing was recorded: sentences
 * @throws OutriderError UNSUPPORTED for a kernel that this adapter does not have; INVALID_ARGUMENT where another has run already
 */
export function restoreTuning(device: Device, where: string, before: RecordedTuning | undefined): string[] {
  const { kernels, adapterName, capabilities } = device
  const recorded = Object.entries(before?.kernels ?? {})
  const isBound = before?.kernels !== undefined && before.adapter === adapterName
  const there = recorded.filter(([key, name]) => takesChoice(key, name, capabilities))
  const missing = recorded.find((choice) => !there.includes(choice))
  if (missing && isBound)
    throw new OutriderError(
      'UNSUPPORTED',
      `${where} was made with the kernel ${missing[1]} for ${missing[0]}, which this adapter does not have here.`,
      { remedy: 'Go on with the version and the driver that it was begun with, or begin in another directory.' },
    )
  const chosen = Object.fromEntries(there) as TunedKernels
  const [other] = kernels.adopt(chosen)
  if (other === undefined) return []
  const was = `${chosen[other] ? `the kernel ${chosen[other]}` : 'the usual kernel'} for ${other}`
  if (isBound)
    throw new OutriderError(
      'INVALID_ARGUMENT',
      `${where} was made with ${was}, and another has run on this device already.`,
      { remedy: 'Go on before anything else runs on the device, or on a new one.' },
    )
  return [`${where} may have been made with ${was}; here another has run already, and stays.`]
}

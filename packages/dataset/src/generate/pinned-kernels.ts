import { type Device, OutriderError } from '@outrider/tensor'
import { type RecordedTuning, restoreTuning, tuningInUse } from '@outrider/transformer'
import { type FilePlace, placeOf } from '../sources/open-file'

/** Where it is written down, beside a file of rows, which kernels tuning chose for them. */
export const kernelsFile = (file: string): string => `${file}.kernels.json`

/**
 * Has all rows of a file made with the same kernels: those in use where it begins, which are written down beside it if tuning chose any,
 * and those that were written down where it goes on, whatever tuning has found since. Rows beside which nothing is written down were
 * made with what is used without tuning.
 *
 * @param rows      that the file has
 * @param onRemark  told of what cannot be as it was, and does not forbid to go on: another adapter may have other kernels
 * @throws OutriderError FILE_FORMAT, FILE_WRITE; UNSUPPORTED for a kernel that this adapter does not have; INVALID_ARGUMENT where another
 *   has run on the device already
 */
export async function pinKernels(
  device: Device,
  out: string | FilePlace,
  rows: number,
  onRemark: ((remark: string) => void) | undefined,
): Promise<void> {
  const { directory, file } = placeOf(out)
  const beside = kernelsFile(file)
  const isThere = await directory.has(beside)
  if (rows > 0) {
    const recorded = isThere ? recordedIn(await directory.readText(beside), `${directory.name}/${beside}`) : untuned
    for (const remark of restoreTuning(device, `${directory.name}/${file}`, recorded)) onRemark?.(remark)
    return
  }
  const inUse = tuningInUse(device)
  // What is left of a file that was removed says nothing of the one that begins.
  if (isThere || Object.keys(inUse.kernels ?? {}).length > 0)
    await directory.write(beside, `${JSON.stringify(inUse, undefined, 2)}\n`)
}

/** On some adapter. */
const untuned: RecordedTuning = { adapter: '', kernels: {} }

function recordedIn(text: string, name: string): RecordedTuning {
  try {
    const { adapter, kernels } = JSON.parse(text) as Partial<RecordedTuning>
    const isWhole =
      typeof adapter === 'string' && Object.values(kernels ?? {}).every((kernel) => typeof kernel === 'string')
    if (isWhole && kernels && !Array.isArray(kernels)) return { adapter, kernels }
  } catch {
    // Said below.
  }
  throw new OutriderError('FILE_FORMAT', `${name} does not say which kernels the rows beside it were made with.`, {
    remedy: 'Restore the file. Without it, rows are added by the kernels that are used without tuning.',
  })
}

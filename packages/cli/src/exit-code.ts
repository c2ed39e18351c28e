import { OutriderError } from '@outrider/tensor'
import { CommanderError } from 'commander'

/** What the exit status of `outrider` means. */
export const exitCode = { ok: 0, failure: 1, usage: 2, noDevice: 3, interrupted: 130 } as const

export const exitCodeHelp = `
Exit status:
  0    done
  1    failed: a file, a model or the work itself
  2    wrong usage: an unknown option or an argument out of range
  3    no WebGPU adapter, or the device was lost
  130  interrupted (Ctrl-C)`

/** The exit status for an error. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCode.ok : exitCode.usage
  if (!(error instanceof OutriderError)) return exitCode.failure
  switch (error.code) {
    case 'INVALID_ARGUMENT':
      return exitCode.usage
    case 'NO_ADAPTER':
    case 'DEVICE_LOST':
      return exitCode.noDevice
    default:
      return exitCode.failure
  }
}

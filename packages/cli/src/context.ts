import type { Device } from '@outrider/tensor'
import type { OnWarning } from '@outrider/transformer'
import { openDevice } from './adapter'
import type { Surroundings } from './run'
import type { Terminal } from './terminal'

/** What every command is given. */
export class Context {
  /** What the user is told after Ctrl-C: how to take the work up again. */
  resume: string | undefined
  #device: Promise<Device> | undefined
  #opened: Device | undefined
  #maxMemoryBytes: number | undefined
  readonly #warned = new Set<string>()
  readonly #endings: (() => void | Promise<void>)[] = []

  constructor(
    readonly terminal: Terminal,
    /** Aborted by the first Ctrl-C. */
    readonly signal: AbortSignal,
    /** The standard streams themselves, for what a command says through no `terminal`. */
    readonly surroundings: Surroundings,
  ) {}

  /** Bounds what all tensors of the device may take. Before it is asked for. */
  boundMemory(maxBytes: number): void {
    this.#maxMemoryBytes = maxBytes
  }

  /** The device, made when first asked for; its adapter is always named. Freed when the command ends. */
  device(): Promise<Device> {
    this.#device ??= openDevice({ maxMemoryBytes: this.#maxMemoryBytes }).then((device) => {
      this.#opened = device
      this.terminal.note(this.terminal.noteStyle.dim(`Adapter: ${adapterLabel(device)}`))
      return device
    })
    return this.#device
  }

  /** Says once what a file has that is passed over: a command may read a file several times. */
  readonly onWarning: OnWarning = ({ message }) => {
    if (this.#warned.has(message)) return
    this.#warned.add(message)
    this.terminal.warn(this.terminal.noteStyle.yellow(message))
  }

  /** What is to be done when the command ends, however it ends: the last first. */
  atEnd(ending: () => void | Promise<void>): void {
    this.#endings.push(ending)
  }

  async dispose(): Promise<void> {
    await this.#device?.catch(() => undefined)
    this.destroyDevice()
    for (const end of this.#endings.toReversed()) await end()
  }

  /** Ends the device's work now, where there is a device: a process that exits under a working driver may crash in it. */
  destroyDevice(): void {
    this.#opened?.dispose()
  }
}

/** `SwiftShader Device (LLVM 10.0.0) (Google), software`. */
export const adapterLabel = (device: Device): string => device.adapterName + (device.isSoftware ? ', software' : '')

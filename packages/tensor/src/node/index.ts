import { create } from 'webgpu'
import { matrixUnitsFeature } from '../device/matrix-units'
import { setWait, type Wait } from '../device/wait'
import { OutriderError } from '../errors'
import { noAdapterRemedy } from './no-adapter'
import { useSoftware } from './software-adapter'

export interface NodeAdapterOptions {
  /** Toggles for Dawn, such as 'enable-dawn-features=skip_validation' or 'backend=vulkan'. */
  flags?: readonly string[]
  /**
   * A software adapter, for machines without a GPU: SwiftShader of the package `@outrider/software-adapter` (Linux x64), which
   * the program's project has installed. It is slow, and right.
   *
   * - `true`: in place of whatever GPU there is, and for every adapter that this process asks for afterwards
   * - `'fallback'`: where this machine has no adapter of its own; nothing happens where the package is not installed or not
   *   made for this machine. `OUTRIDER_ADAPTER=swiftshader` or `=system` chooses.
   */
  software?: boolean | 'fallback'
}

/**
 * A WebGPU adapter in Node, through Dawn (the npm package `webgpu`): a GPU where there is one, else a software driver that the
 * system has, else, if `software` says so, the one of `@outrider/software-adapter`.
 *
 * @throws OutriderError NO_ADAPTER where Dawn finds none, and where `software: true` cannot be met; the remedy names what
 *   serves on this machine
 */
export async function nodeAdapter({ flags = [], software = false }: NodeAdapterOptions = {}): Promise<GPUAdapter> {
  // A machine that has an adapter needs no fallback: what went wrong with it is told where none is found.
  let failure: unknown
  if (software)
    await useSoftware(software).catch((error: unknown) => {
      if (software === true) throw error
      failure = error
    })
  const options = { powerPreference: 'high-performance' } as const
  let gpu = create(enabling(['allow_unsafe_apis'], [exactTimestamps, ...flags]))
  let adapter = await gpu.requestAdapter(options)
  if (adapter?.features.has(matrixUnitsFeature as GPUFeatureName)) {
    instances.add(gpu)
    gpu = create(enabling(['allow_unsafe_apis', 'use_vulkan_memory_model'], [exactTimestamps, ...flags]))
    adapter = await gpu.requestAdapter(options)
  }
  if (!adapter)
    throw (
      failure ??
      new OutriderError('NO_ADAPTER', 'Dawn finds no WebGPU adapter on this machine.', { remedy: noAdapterRemedy() })
    )
  instances.add(gpu)
  if (adapter.info.isFallbackAdapter) setWait(adapter, sleepBetweenPolls)
  return adapter
}

/** Dawn rounds timestamps to 65,536 ns against pages that spy; most kernels are shorter than that. */
const exactTimestamps = 'disable-dawn-features=timestamp_quantization'

/**
 * Dawn shows features that are experiments, as matrix units of subgroups are, only where that is allowed, and through Vulkan
 * compiles them for its memory model alone. Of a flag that is there twice it takes the last: what the caller enables is one list
 * with ours.
 */
function enabling(toggles: readonly string[], flags: readonly string[]): string[] {
  const key = 'enable-dawn-features='
  const asked = flags.filter((flag) => flag.startsWith(key)).map((flag) => flag.slice(key.length))
  return [...flags.filter((flag) => !flag.startsWith(key)), key + [...toggles, ...asked].join(',')]
}

// An instance that is collected before its devices takes the process with it, and the collector keeps no order.
const instances = new Set<GPU>()

const clock = new Int32Array(new SharedArrayBuffer(4))
const sleepMilliseconds = 0.2

/**
 * Dawn polls in a busy loop of the event loop while a promise is pending. Where the adapter is the CPU itself, that takes a
 * core from the kernels; short sleeps between the polls give it back (1.2 to 1.9 times the speed on two cores).
 */
const sleepBetweenPolls: Wait = async <T>(promise: Promise<T>): Promise<T> => {
  let pending = true
  const done = () => {
    pending = false
  }
  promise.then(done, done)
  await Promise.resolve()
  while (pending) {
    await new Promise((resolve) => setImmediate(resolve))
    if (pending) Atomics.wait(clock, 0, 0, sleepMilliseconds)
  }
  return promise
}

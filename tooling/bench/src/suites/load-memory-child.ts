// Loads a model and prints what that took at most: load-memory.ts runs it. Arguments: folder, configuration, dtype.
import { createDevice } from '@outrider/tensor'
import { nodeAdapter } from '@outrider/tensor/node'
import {
  directory,
  type LoadDtype,
  loadParameters,
  type ModelConfig,
  parameterShapes,
  safetensorsWeights,
  weightBytes,
} from '@outrider/transformer'

const [folder, config, dtype] = process.argv.slice(2) as [string, string, LoadDtype | undefined]
const device = await createDevice({ adapter: nodeAdapter() })
const shapes = parameterShapes(JSON.parse(config) as ModelConfig)
const weights = await safetensorsWeights(directory(folder))
const deviceBytes = weightBytes(weights, shapes, dtype)
await device.idle()

const { rss } = process.memoryUsage()
const peak = { process: 0, host: 0, buffers: 0 }
let loadedBytes = 0
let totalBytes = 0
const began = performance.now()
const sample = () => {
  const usage = process.memoryUsage()
  // A software adapter's memory is the process's own: what has arrived on the device is taken off.
  const arrived = device.isSoftware ? (loadedBytes / (totalBytes || 1)) * deviceBytes : 0
  peak.process = Math.max(peak.process, usage.rss - rss)
  peak.host = Math.max(peak.host, usage.rss - rss - arrived)
  peak.buffers = Math.max(peak.buffers, usage.arrayBuffers)
}

await loadParameters(device, weights, shapes, {
  dtype,
  onProgress(progress) {
    ;({ loadedBytes, totalBytes } = progress)
    sample()
  },
})
await device.idle()
const inMebibytes = (bytes: number) => Math.round(bytes / 2 ** 20)
console.log(
  JSON.stringify({
    file_MiB: inMebibytes(totalBytes),
    device_MiB: inMebibytes(device.memory.liveBytes),
    process_peak_MiB: inMebibytes(peak.process),
    host_peak_MiB: inMebibytes(peak.host),
    array_buffers_peak_MiB: inMebibytes(peak.buffers),
    seconds: Number(((performance.now() - began) / 1000).toFixed(1)),
  }),
)
device.dispose()

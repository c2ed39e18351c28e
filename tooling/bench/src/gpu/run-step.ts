// One step of the suite `gpu`, in a process of its own, so that what fails, hangs or loses the device stops nothing else:
// node run-step.ts NAME SETTINGS. A line of JSON for each figure, as it comes.

import { createDevice } from '@outrider/tensor'
import { nodeAdapter } from '@outrider/tensor/node'
import { type GpuSettings, gpuContext } from './step'
import { gpuSteps } from './steps/index'

const [name, json] = process.argv.slice(2)
const settings = JSON.parse(json!) as GpuSettings
const step = gpuSteps.find((one) => one.name === name)!
// Dawn hides f16 of NVIDIA's drivers, for what it saw of them; here every product is compared with float64.
const flags = name === 'matmul' ? ['enable-dawn-features=vulkan_enable_f16_on_nvidia'] : []
const device = await createDevice({ adapter: nodeAdapter({ flags }) })
await step.run(
  gpuContext(device, settings, (row) =>
    process.stdout.write(`${JSON.stringify(row)}
`),
  ),
)
device.dispose()

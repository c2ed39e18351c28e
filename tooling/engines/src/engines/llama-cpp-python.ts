import type { Engine } from './engine'
import { pythonWith, versionOf } from './python'
import { freePort, served, startServer } from './server-process'

const packages = ['llama-cpp-python[server]==0.3.36']

const sizes = ['--n_ctx', '512', '--logits_all', 'true']
/** It keeps keys and values in halves unless it is told: 0.002 of ln q. The numbers are ggml's for F32. */
const floatCache = ['--type_k', '0', '--type_v', '0']

/** llama.cpp behind a server of Python, which is built as it is installed: with a compiler, and for up to an hour. */
export const llamaCppPython = (folder: string, python: string | undefined): Engine => ({
  name: 'llama-cpp-python',
  needs: `${packages.join(' ')}, and a C++ compiler`,
  cutsFirst: true,
  teaches: true,
  quantised: true,
  async start({ gguf }, which) {
    const interpreter = pythonWith(packages, folder, python)
    const port = await freePort()
    const url = `http://127.0.0.1:${port}`
    const args = ['--model', gguf[which], '--model_alias', 'stories', '--host', '127.0.0.1', '--port', String(port)]
    const server = await startServer([interpreter, '-m', 'llama_cpp.server', ...args, ...sizes, ...floatCache], {
      ready: `${url}/v1/models`,
      seconds: 120,
    })
    const version = versionOf(interpreter, 'llama-cpp-python')
    return { url: `${url}/v1`, model: 'stories', version, ...served(server) }
  },
})

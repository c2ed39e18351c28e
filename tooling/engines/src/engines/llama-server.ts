import { spawnSync } from 'node:child_process'
import type { Engine } from './engine'
import { freePort, served, startServer } from './server-process'

/** llama.cpp's own server, from wherever it was built or downloaded to. */
export const llamaServer = (binary: string): Engine => ({
  name: 'llama-server',
  needs: 'a binary of llama.cpp’s server, which is on no registry of packages',
  cutsFirst: true,
  teaches: true,
  quantised: true,
  async start({ gguf }, which) {
    const port = await freePort()
    const url = `http://127.0.0.1:${port}`
    const args = ['-m', gguf[which], '--alias', 'stories', '--host', '127.0.0.1', '--port', String(port)]
    const serving = ['--ctx-size', '512', '--parallel', '4', '--jinja', '--no-webui']
    // Its flash attention computes in halves, even where keys and values are f32.
    const exact = ['-ctk', 'f32', '-ctv', 'f32', '-fa', 'off']
    const server = await startServer([binary, ...args, ...serving, ...exact], { ready: `${url}/health`, seconds: 120 })
    const { stderr, stdout } = spawnSync(binary, ['--version'], { encoding: 'utf8' })
    const version = /version: (.*)/.exec(`${stderr}${stdout}`)?.[1] ?? 'of an unknown version'
    return { url: `${url}/v1`, model: 'stories', version, ...served(server) }
  },
})

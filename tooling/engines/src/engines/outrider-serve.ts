import { fileURLToPath } from 'node:url'
import type { Engine } from './engine'
import { freePort, served, startServer } from './server-process'

const main = fileURLToPath(new URL('../../../../packages/cli/src/main.ts', import.meta.url))

/** This repository's own, in a process of its own, from the sources as they are. */
export const outriderServe: Engine = {
  name: 'outrider',
  needs: 'nothing',
  cutsFirst: false,
  teaches: true,
  quantised: true,
  async start({ folder, gguf }, which) {
    const port = await freePort()
    const url = `http://127.0.0.1:${port}`
    const model = which === 'f32' ? folder : gguf.quantised
    const args = ['serve', '--model', model, '--name', 'stories', '--port', String(port), '--no-page']
    const dtype = which === 'f32' ? ['--dtype', 'f32'] : []
    const server = await startServer([process.execPath, ...process.execArgv, main, ...args, ...dtype], {
      ready: `${url}/ready`,
      seconds: 300,
    })
    return { url: `${url}/v1`, model: 'stories', version: 'of this checkout', ...served(server) }
  },
}

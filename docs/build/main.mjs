// Builds the site: the pictures and the API reference from the sources as they are, then the pages.
// `node docs/build/main.mjs [folder]`; the folder is docs/.vitepress/dist where left out. DOCS_BASE is the path below which
// the site will be served, such as /outrider/.
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { build } from 'vitepress'
import { writeApiReference } from './api.mjs'

const docs = fileURLToPath(new URL('../', import.meta.url))

await Promise.all([drawFigures(), writeApiReference()])
await build(docs, process.argv[2] ? { outDir: process.argv[2] } : {})

/** In a process of its own, which finds a WebGPU adapter: the pictures are computed by the packages. */
function drawFigures() {
  const flags = ['--conditions=@outrider/source']
  for (const module of ['@outrider/software-adapter/register', '@outrider/build/source'])
    flags.push('--import', import.meta.resolve(module))
  const child = spawn(process.execPath, [...flags, `${docs}figures/main.ts`], { stdio: ['ignore', 'inherit', 'pipe'] })
  const said = []
  child.stderr.on('data', (chunk) => said.push(chunk))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) =>
      code === 0 ? resolve() : reject(new Error(`figures/main.ts failed:\n${Buffer.concat(said)}`)),
    )
  })
}

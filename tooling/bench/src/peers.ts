import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { cpus } from 'node:os'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { create, globals } from 'webgpu'

export { common, type Matrix } from './inputs'

/** Something done again and again by one contender. */
export interface Operation {
  /** Once, to its end on the device. */
  run(): Promise<void>
  /** What it computes. */
  read(): Promise<Float32Array>
  dispose(): void
}

export interface Training {
  /** One step to its end; the loss before it. */
  step(): Promise<number>
  dispose(): void
}

/** A library that computes: a peer, or Outrider. Operands are row-major. */
export interface Contender {
  readonly name: string
  matmul(a: Float32Array, b: Float32Array, shape: readonly [number, number, number]): Promise<Operation>
  softmax(x: Float32Array, shape: readonly [number, number]): Promise<Operation>
  rmsNorm(x: Float32Array, w: Float32Array, shape: readonly [number, number]): Promise<Operation>
  crossEntropy(x: Float32Array, labels: Int32Array, shape: readonly [number, number]): Promise<Operation>
  /** `read` gives the gradient. */
  crossEntropyGradient(x: Float32Array, labels: Int32Array, shape: readonly [number, number]): Promise<Operation>
  trainingStep(): Promise<Training>
}

const folder = new URL('../peers/', import.meta.url)

// By a computed address: they are no part of the workspace and have no types here.
const load = (file: string) => import(new URL(file, folder).href) as Promise<never>

/** The peers, installed from npm where they are not. */
export async function openPeers(names: readonly string[], note: (text: string) => void): Promise<Contender[]> {
  if (!existsSync(new URL('node_modules', folder))) {
    note('installing the peers from npm')
    const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm'
    await promisify(execFile)(npm, ['ci', '--no-audit', '--no-fund'], { cwd: fileURLToPath(folder) })
  }
  const peers: Contender[] = []
  for (const name of names) {
    let peer = opened.get(name)
    if (!peer) {
      provideBrowserGlobals()
      peer = await makers[name]!()
      opened.set(name, peer)
    }
    peers.push(peer)
  }
  return peers
}

const opened = new Map<string, Contender>()

const makers: Record<string, () => Promise<Contender>> = {
  'jax-js/webgpu': async () => ((await load('jax.mjs')) as PeerModule).createPeer('webgpu'),
  'jax-js/wasm': async () => ((await load('jax.mjs')) as PeerModule).createPeer('wasm'),
  'tfjs/webgpu': async () => ((await load(await bundled('tfjs.mjs'))) as PeerModule).createPeer(),
}

// One of Dawn's instances for all, never collected: one that is collected before its devices takes the process with it.
let gpu: GPU | undefined

/** What the peers look for: a navigator, WebGPU's constants, and for tfjs to register itself, a worker. */
function provideBrowserGlobals(): void {
  gpu ??= create([])
  Object.assign(globalThis, globals, { WorkerGlobalScope: class {} })
  const navigator = { gpu, hardwareConcurrency: cpus().length, userAgent: 'Node' }
  Object.defineProperty(globalThis, 'navigator', { value: navigator, configurable: true, writable: true })
}

/** The file with all that it imports in one, as a browser's bundler would make it. */
async function bundled(file: string): Promise<string> {
  const out = `dist/${file}`
  await build({
    entryPoints: [fileURLToPath(new URL(file, folder))],
    outfile: fileURLToPath(new URL(out, folder)),
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    mainFields: ['module', 'main'],
    logLevel: 'error',
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
  })
  return out
}

interface PeerModule {
  createPeer(backend?: string): Promise<Contender>
}

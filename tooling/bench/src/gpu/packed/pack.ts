import { execFile } from 'node:child_process'
import { chmod, copyFile, cp, mkdir, readdir, stat, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { useSoftwareAdapter } from '@outrider/software-adapter'
import { build } from 'esbuild'

/**
 * Packs the suite `gpu` into a folder that runs by itself on another machine of this system and processor: its programs, Node, Dawn,
 * and on Linux a Vulkan loader, for where there is none, and SwiftShader, to rehearse. `run.sh` there starts it.
 *
 * @returns bytes of the folder
 * @throws Error where the folder is there and not empty, and on Windows
 */
export async function packGpu(folder: string, note: (text: string) => void = () => {}): Promise<number> {
  if (process.platform === 'win32')
    throw new Error('The suite packs itself on Linux and macOS; on Windows run it from here.')
  const there = await readdir(folder).catch(() => [])
  if (there.length > 0) throw new Error(`${folder} is there and not empty: name a new folder.`)
  await mkdir(folder, { recursive: true })
  note('bundling the suite')
  const at = (file: string) => fileURLToPath(new URL(file, import.meta.url))
  await build({
    entryPoints: { gpu: at('./main.ts'), 'run-step': at('../run-step.ts') },
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    conditions: ['@outrider/source'],
    loader: { '.wgsl': 'text', '.html': 'text' },
    external: ['webgpu', '@outrider/software-adapter'],
    logLevel: 'error',
    banner: {
      js: "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);",
    },
  })
  note('copying Dawn')
  const dawn = dirname(createRequire(import.meta.url).resolve('webgpu'))
  const system = process.platform === 'darwin' ? 'darwin-universal' : `${process.platform}-${process.arch}`
  await cp(dawn, join(folder, 'node_modules', 'webgpu'), {
    recursive: true,
    dereference: true,
    filter: (file) => {
      const [inside = '', binaries = ''] = file.slice(dawn.length + 1).split('/')
      return inside !== 'build' && inside !== 'node_modules' && (inside !== 'dist' || ['', system].includes(binaries))
    },
  })
  note('copying Node')
  const node = join(folder, 'node')
  await copyFile(process.execPath, node)
  await chmod(node, 0o755)
  // What debuggers read is half of it. Where nothing strips, it is larger.
  if (process.platform === 'linux') await promisify(execFile)('strip', [node]).catch(() => {})
  if (process.platform === 'linux' && process.arch === 'x64') {
    note('copying a Vulkan loader and SwiftShader')
    const drivers = (await useSoftwareAdapter({ adapter: 'swiftshader' }))!
    await mkdir(join(folder, 'lib'))
    for (const file of ['libvulkan.so.1', 'libvk_swiftshader.so', 'vk_swiftshader_icd.json'])
      await copyFile(join(drivers, file), join(folder, 'lib', file))
  }
  await writeFile(join(folder, 'run.sh'), runScript)
  await chmod(join(folder, 'run.sh'), 0o755)
  return await bytesOf(folder)
}

const runScript = `#!/bin/sh
# Measures this machine's GPU in six minutes: sh run.sh [--set NAME=VALUE]... [--rows FILE]; --help says more.
here=$(cd "$(dirname "$0")" && pwd)
libraries=\${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}/usr/local/nvidia/lib64:/usr/local/nvidia/lib
# A loader of ours only where the system has none.
{ ldconfig -p || /sbin/ldconfig -p; } 2>/dev/null | grep -qF 'libvulkan.so.1 ' || libraries=$libraries:$here/lib
[ "$OUTRIDER_ADAPTER" != swiftshader ] || export VK_DRIVER_FILES="$here/lib/vk_swiftshader_icd.json"
LD_LIBRARY_PATH=$libraries exec "$here/node" --expose-gc "$here/gpu.mjs" "$@"
`

async function bytesOf(folder: string): Promise<number> {
  const files = await readdir(folder, { recursive: true })
  const sizes = await Promise.all(files.map(async (file) => (await stat(join(folder, file))).size))
  return sizes.reduce((sum, size) => sum + size, 0)
}

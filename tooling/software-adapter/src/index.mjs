import { createReadStream } from 'node:fs'
import { access, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createBrotliDecompress } from 'node:zlib'
import { extract } from 'tar-stream'

const RTLD_NOW = 0x2
const RTLD_GLOBAL = 0x100
const RTLD_NODELETE = 0x1000

export async function useSoftwareAdapter() {
  if (process.platform !== 'linux' || process.arch !== 'x64') return null
  if (process.env.VK_DRIVER_FILES) return null // the user has chosen a driver
  const folder = await unpackSwiftShader()
  const hasDriver = await systemHasVulkanDriver()
  // Added behind the machine's own drivers where it has any; Dawn prefers a hardware adapter over a CPU one.
  process.env[hasDriver ? 'VK_ADD_DRIVER_FILES' : 'VK_DRIVER_FILES'] = join(folder, 'vk_swiftshader_icd.json')
  loadVulkanLoader(folder)
  return folder
}

/**
 * Dawn opens `libvulkan.so.1` by name. Where the system has none, a library of that name which is already in the
 * process is found first, so opening ours by path is enough; it is no Node addon, hence the error that is expected.
 */
function loadVulkanLoader(folder) {
  const open = (file) => {
    try {
      process.dlopen({ exports: {} }, file, RTLD_NOW | RTLD_GLOBAL | RTLD_NODELETE)
      return true
    } catch (error) {
      return /did not self-register/.test(String(error))
    }
  }
  if (!open('libvulkan.so.1')) open(join(folder, 'libvulkan.so.1'))
}

async function systemHasVulkanDriver() {
  const { readdir } = await import('node:fs/promises')
  for (const folder of ['/usr/share/vulkan/icd.d', '/etc/vulkan/icd.d', '/usr/local/share/vulkan/icd.d']) {
    const files = await readdir(folder).catch(() => [])
    if (files.some((file) => file.endsWith('.json'))) return true
  }
  return false
}

export async function unpackSwiftShader() {
  const require = createRequire(import.meta.url)
  const entry = require.resolve('@sparticuz/chromium')
  const root = entry.slice(0, entry.lastIndexOf('@sparticuz/chromium') + '@sparticuz/chromium'.length)
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
  const folder = join(process.env.XDG_CACHE_HOME ?? join(tmpdir(), `outrider-${process.getuid?.() ?? 'user'}`), `swiftshader-${version}`)
  const complete = join(folder, 'vk_swiftshader_icd.json')
  if (await exists(complete)) return folder

  // Unpacked beside its final place and renamed, so that two processes that start together both succeed.
  const partial = `${folder}.${process.pid}`
  await mkdir(partial, { recursive: true })
  const unpack = extract()
  unpack.on('entry', (header, stream, next) => {
    const chunks = []
    stream.on('data', (chunk) => chunks.push(chunk))
    stream.on('end', () => {
      if (header.type !== 'file') return next()
      writeFile(join(partial, header.name.replace(/^.*\//, '')), Buffer.concat(chunks), { mode: 0o755 }).then(() => next(), next)
    })
  })
  await pipeline(createReadStream(join(root, 'bin', 'swiftshader.tar.br')), createBrotliDecompress(), unpack)
  await mkdir(dirname(folder), { recursive: true })
  await rename(partial, folder).catch(async (error) => {
    if (!(await exists(complete))) throw error
    await rm(partial, { recursive: true, force: true })
  })
  return folder
}

const exists = (file) => access(file).then(() => true, () => false)

import { readdir } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { unpackFromChromium } from './unpack.mjs'

const RTLD_NOW = 0x2
const RTLD_GLOBAL = 0x100
const RTLD_NODELETE = 0x1000

export async function useSoftwareAdapter({ adapter = process.env.OUTRIDER_ADAPTER || 'auto' } = {}) {
  if (!['auto', 'system', 'swiftshader'].includes(adapter))
    throw new Error(`OUTRIDER_ADAPTER is '${adapter}'. Set it to 'swiftshader' or 'system', or leave it out.`)
  if (adapter === 'system') return null
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    if (adapter === 'auto') return null
    throw new Error(`The software adapter is for linux-x64, and this is ${process.platform}-${process.arch}.`)
  }
  // Chosen by the user, or by the process that started this one.
  const named = process.env.VK_DRIVER_FILES || process.env.VK_ICD_FILENAMES
  if (adapter === 'auto' && named && !named.endsWith(driverFile)) return null

  const folder = await unpackFromChromium('swiftshader', ['swiftshader.tar.br'])
  openVulkanLoader(folder)
  if (adapter === 'auto' && !named && (await systemHasDriverFiles()) && (await dawnFindsAdapter())) return null
  process.env.VK_DRIVER_FILES = join(folder, driverFile)
  return folder
}

export async function describeAdapter() {
  const adapter = await bestAdapter()
  if (!adapter) return null
  const { vendor, architecture, device, description, isFallbackAdapter } = adapter.info
  const name =
    [description, [vendor, architecture].filter(Boolean).join(' '), device].find(Boolean) ?? 'unnamed adapter'
  return isFallbackAdapter ? `${name} (software)` : name
}

const driverFile = 'vk_swiftshader_icd.json'

/**
 * Dawn opens `libvulkan.so.1` by name. Where the system has none, a library of that name which is already in the
 * process is found first, so opening ours by path is enough; it is no Node addon, hence the error that is expected.
 */
function openVulkanLoader(folder) {
  if (!open('libvulkan.so.1')) open(join(folder, 'libvulkan.so.1'))
}

function open(library) {
  try {
    process.dlopen({ exports: {} }, library, RTLD_NOW | RTLD_GLOBAL | RTLD_NODELETE)
    return true
  } catch (error) {
    return /did not self-register/.test(String(error))
  }
}

/** The folders in which the Vulkan loader looks for drivers; asking Dawn costs a fraction of a second, reading them none. */
async function systemHasDriverFiles() {
  const { XDG_DATA_HOME, XDG_DATA_DIRS, XDG_CONFIG_DIRS, HOME } = process.env
  const roots = [
    XDG_DATA_HOME || join(HOME || homedir(), '.local', 'share'),
    ...(XDG_CONFIG_DIRS || '/etc/xdg').split(':'),
    ...(XDG_DATA_DIRS || '/usr/local/share:/usr/share').split(':'),
    '/etc',
    '/usr/local/etc',
    '/run/opengl-driver/share',
  ]
  const listings = await Promise.all(roots.map((root) => readdir(join(root, 'vulkan', 'icd.d')).catch(() => [])))
  return listings.flat().some((file) => file.endsWith('.json'))
}

/** A driver file may be there without its device, or be of a driver that Dawn refuses, such as Mesa 22's lavapipe. */
const dawnFindsAdapter = async () => (await bestAdapter()) !== null

async function bestAdapter() {
  const { create } = await import('webgpu')
  const gpu = create([])
  instances.push(gpu)
  return gpu.requestAdapter({ powerPreference: 'high-performance' })
}

/** Never collected: an instance must outlive its adapters. */
const instances = []

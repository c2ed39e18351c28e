import { OutriderError } from '../errors'

/** A system and a processor as `process` names them. */
export interface Platform {
  platform: string
  arch: string
}

/** How a machine without a usable GPU comes to an adapter. */
export function noAdapterRemedy({ platform, arch }: Platform = process): string {
  if (platform === 'darwin') return 'Every Mac that Dawn runs on has Metal: update macOS.'
  if (platform === 'win32') return 'Windows has Direct3D 12, with WARP where there is no GPU: update it, or the driver.'
  if (platform !== 'linux') return 'Install a driver with Vulkan.'
  return arch === 'x64'
    ? 'Install a GPU driver with Vulkan. Without a GPU, `npm i -D @outrider/software-adapter` (not on npm yet: from its tarball) brings a software adapter, which `nodeAdapter({ software: true })` takes; or install Mesa 25 lavapipe (packages mesa-vulkan-drivers and libvulkan1).'
    : 'Install a GPU driver with Vulkan, or, without a GPU, Mesa 25 lavapipe (packages mesa-vulkan-drivers and libvulkan1); @outrider/software-adapter is for Linux x64 alone.'
}

/** `@outrider/software-adapter` is made for this machine. */
export const hasSoftwareAdapter = ({ platform, arch }: Platform = process): boolean =>
  platform === 'linux' && arch === 'x64'

/** The software adapter was asked for on a machine that it is not made for: says what serves there. */
export function notForThisMachine({ platform, arch }: Platform = process): OutriderError {
  return new OutriderError(
    'NO_ADAPTER',
    `@outrider/software-adapter is for linux-x64, and this is ${platform}-${arch}.`,
    {
      remedy: `Leave \`software: true\` out. ${whatServes(platform)}`,
      details: { platform, arch },
    },
  )
}

function whatServes(platform: string): string {
  if (platform === 'darwin') return 'Every Mac has a GPU, which `nodeAdapter()` finds through Metal.'
  if (platform === 'win32') return '`nodeAdapter()` finds a GPU through Direct3D 12, and WARP where there is none.'
  return 'Without a GPU, Mesa 25 lavapipe is a software adapter (packages mesa-vulkan-drivers and libvulkan1), which `nodeAdapter()` finds.'
}

import { execFile } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'

const register = new URL('./register.mjs', import.meta.url).href
const program = `
  const { describeAdapter } = await import('@outrider/software-adapter')
  console.log(JSON.stringify({ adapter: await describeAdapter(), driver: process.env.VK_DRIVER_FILES ?? null }))`

/** A new process that knows nothing of this one's driver. */
async function start(environment: Record<string, string>) {
  const { VK_DRIVER_FILES: _driver, OUTRIDER_ADAPTER: _choice, ...rest } = process.env
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--import', register, '--input-type=module', '--eval', program],
    { env: { ...rest, ...environment }, cwd: new URL('..', import.meta.url).pathname },
  )
  return JSON.parse(stdout) as { adapter: string | null; driver: string | null }
}

describe('the software adapter', () => {
  let cache: string
  beforeAll(async () => {
    cache = await mkdtemp(join(tmpdir(), 'outrider-cache-'))
  })
  afterAll(() => rm(cache, { recursive: true, force: true }))

  it('gives Dawn an adapter in a fresh process, and in two that unpack it at the same time', async () => {
    const runs = await Promise.all([1, 2].map(() => start({ XDG_CACHE_HOME: cache, OUTRIDER_ADAPTER: 'swiftshader' })))
    for (const { adapter } of runs) expect(adapter).toMatch(/SwiftShader.*\(software\)/)
    const [version] = await readdir(join(cache, 'outrider'))
    expect(await readdir(join(cache, 'outrider', version!))).toEqual(['swiftshader'])
  })

  it('takes a driver that the machine has, and SwiftShader when Dawn refuses that one', async () => {
    const shipped = (await start({ XDG_CACHE_HOME: cache, OUTRIDER_ADAPTER: 'swiftshader' })).driver!
    const machineWith = async (library: string) => {
      const data = await mkdtemp(join(cache, 'data-'))
      await mkdir(join(data, 'vulkan', 'icd.d'), { recursive: true })
      const driver = { file_format_version: '1.0.0', ICD: { library_path: library, api_version: '1.3.0' } }
      await writeFile(join(data, 'vulkan', 'icd.d', 'driver.json'), JSON.stringify(driver))
      // The folders in which this machine's own drivers would be found.
      const none = { XDG_DATA_DIRS: cache, XDG_CONFIG_DIRS: cache }
      return start({ XDG_CACHE_HOME: cache, XDG_DATA_HOME: data, ...none })
    }
    const accepted = await machineWith(join(shipped, '..', 'libvk_swiftshader.so'))
    expect(accepted.driver).toBeNull()
    expect(accepted.adapter).not.toBeNull()
    // /etc cannot be hidden from the loader: a GPU whose driver is registered there is rightly taken.
    const registered = (await readdir('/etc/vulkan/icd.d').catch(() => [])).length > 0
    expect((await machineWith('/nowhere/libvulkan_none.so')).driver).toBe(registered ? null : shipped)
  })

  it('leaves a driver that the user has named alone', async () => {
    expect((await start({ VK_DRIVER_FILES: '/nowhere/driver.json' })).driver).toBe('/nowhere/driver.json')
  })

  it('adds nothing when told to use the system', async () => {
    expect((await start({ OUTRIDER_ADAPTER: 'system' })).driver).toBeNull()
  })

  it('refuses an unknown choice by name', async () => {
    await expect(start({ OUTRIDER_ADAPTER: 'swift' })).rejects.toThrow(/OUTRIDER_ADAPTER is 'swift'/)
  })

  it('is refused by name on a machine that it is not made for, and only where it is asked for', async () => {
    const { useSoftwareAdapter } = await import('./index.mjs')
    const arch = Object.getOwnPropertyDescriptor(process, 'arch')!
    Object.defineProperty(process, 'arch', { ...arch, value: 'arm64' })
    try {
      expect(await useSoftwareAdapter({ adapter: 'auto' })).toBeNull()
      await expect(useSoftwareAdapter({ adapter: 'swiftshader' })).rejects.toThrow(
        /for linux-x64, and this is \w+-arm64/,
      )
    } finally {
      Object.defineProperty(process, 'arch', arch)
    }
  })

  it('is taken by a program that says so, whatever the environment says', async () => {
    const { useSoftwareAdapter } = await import('./index.mjs')
    await expect(useSoftwareAdapter({ adapter: 'system' })).resolves.toBeNull()
    vi.stubEnv('OUTRIDER_ADAPTER', 'system')
    vi.stubEnv('VK_DRIVER_FILES', '/nowhere/driver.json')
    try {
      const folder = await useSoftwareAdapter({ adapter: 'swiftshader' })
      expect(process.env.VK_DRIVER_FILES).toBe(join(folder!, 'vk_swiftshader_icd.json'))
    } finally {
      vi.unstubAllEnvs()
    }
  })

  it('unpacks into the home folder when XDG_CACHE_HOME cannot be written', async () => {
    const home = await mkdtemp(join(cache, 'home-'))
    const locked = await mkdtemp(join(cache, 'locked-'))
    await chmod(locked, 0o500)
    // Root may write anywhere; a file in the folder's place stops root as well.
    const blocked = process.getuid?.() === 0 ? '/dev/null' : locked
    const { driver } = await start({ XDG_CACHE_HOME: blocked, HOME: home, OUTRIDER_ADAPTER: 'swiftshader' })
    expect(driver).toMatch(new RegExp(`^${home}/.cache/outrider/`))
  })
})

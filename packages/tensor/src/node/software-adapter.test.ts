import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { nodeAdapter } from './index'
import { noAdapterRemedy } from './no-adapter'
import { findSoftwareAdapter, useSoftware } from './software-adapter'

const linux = { platform: 'linux', arch: 'x64' }
const notInstalled = async () => null

/** Node, where a package is not to be found. */
const cannotFind =
  (missing: string) =>
  (importer = '') => {
    const message = `Cannot find package '${missing}' imported from ${importer}/node_modules/@outrider/software-adapter/src/unpack.mjs`
    return Promise.reject(Object.assign(new Error(message), { code: 'ERR_MODULE_NOT_FOUND' }))
  }

describe('a software adapter, where the program asks for one', () => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'outrider-program-')))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it('is SwiftShader, whatever GPU there is, on Linux x64', async () => {
    if (process.platform !== 'linux' || process.arch !== 'x64')
      return expect(nodeAdapter({ software: true })).rejects.toThrow('for linux-x64')
    const adapter = await nodeAdapter({ software: true })
    expect(adapter.info.isFallbackAdapter).toBe(true)
    expect(adapter.info.description).toContain('SwiftShader')
  })

  it('is refused with the command that installs it, where it is not installed', async () => {
    await expect(useSoftware(true, { find: notInstalled, machine: linux })).rejects.toMatchObject({
      code: 'NO_ADAPTER',
      remedy: expect.stringContaining('npm i -D @outrider/software-adapter'),
    })
  })

  for (const [machine, serves] of [
    [{ platform: 'darwin', arch: 'arm64' }, /Metal/],
    [{ platform: 'win32', arch: 'x64' }, /Direct3D 12.*WARP/],
    [{ platform: 'linux', arch: 'arm64' }, /mesa-vulkan-drivers/],
  ] as const)
    it(`is refused on ${machine.platform}-${machine.arch}, with what serves there`, async () => {
      const find = vi.fn(notInstalled)
      await expect(useSoftware(true, { find, machine })).rejects.toMatchObject({
        code: 'NO_ADAPTER',
        message: expect.stringContaining(`${machine.platform}-${machine.arch}`),
        remedy: expect.stringMatching(serves),
      })
      expect(find).not.toHaveBeenCalled()
      expect(noAdapterRemedy(machine)).not.toContain('npm i')
    })

  it('is no failure as a fallback where it is not installed, or not made for the machine', async () => {
    await useSoftware('fallback', { find: notInstalled, machine: linux })
    await useSoftware('fallback', { find: notInstalled, machine: { platform: 'darwin', arch: 'arm64' } })
  })

  it('says why it does not start', async () => {
    const cause = new Error('No writable cache folder.')
    const find = async () => ({ useSoftwareAdapter: () => Promise.reject(cause) })
    await expect(useSoftware(true, { find, machine: linux })).rejects.toMatchObject({
      code: 'NO_ADAPTER',
      message: '@outrider/software-adapter does not start: No writable cache folder.',
      cause,
    })
  })

  it('is named by the error of a machine on which Dawn finds nothing', () => {
    expect(noAdapterRemedy(linux)).toContain('`npm i -D @outrider/software-adapter`')
  })

  it("is found in the program's own project, which this package may not see", async () => {
    const installed = join(folder, 'node_modules/@outrider/software-adapter')
    mkdirSync(installed, { recursive: true })
    writeFileSync(
      join(installed, 'package.json'),
      '{ "name": "@outrider/software-adapter", "type": "module", "exports": "./index.mjs" }',
    )
    writeFileSync(join(installed, 'index.mjs'), "export const useSoftwareAdapter = async () => 'of the project'")
    const found = await findSoftwareAdapter(join(folder, 'src/program.mjs'), cannotFind('@outrider/software-adapter'))
    expect(await found!.useSoftwareAdapter()).toBe('of the project')
  })

  it('is null where neither this package nor the program sees it', async () => {
    expect(
      await findSoftwareAdapter(join(tmpdir(), 'nowhere', 'program.mjs'), cannotFind('@outrider/software-adapter')),
    ).toBeNull()
  })

  it('is not taken for missing where something that it needs is', async () => {
    await expect(findSoftwareAdapter(join(folder, 'program.mjs'), cannotFind('tar-stream'))).rejects.toThrow(
      'tar-stream',
    )
  })
})

import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const main = fileURLToPath(new URL('main.ts', import.meta.url))

/** `outrider doctor` on a machine whose one driver is not there. */
function doctor(environment: Record<string, string>) {
  const flags = ['--conditions=@outrider/source', '--import', '@outrider/build/source']
  return spawnSync(process.execPath, [...flags, main, 'doctor'], {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    env: { ...process.env, VK_DRIVER_FILES: '/nowhere/driver.json', ...environment },
    encoding: 'utf8',
  })
}

describe('a machine without an adapter', () => {
  it('is told of the software adapter that outrider finds beside itself', () => {
    const { status, stderr } = doctor({ OUTRIDER_ADAPTER: 'system' })
    expect(stderr).toMatch(/No WebGPU adapter was found.*@outrider\/software-adapter/s)
    expect(status).toBe(3)
  })

  it('is told why the software adapter does not start', () => {
    const { status, stderr } = doctor({ OUTRIDER_ADAPTER: 'swift' })
    expect(stderr).toContain("OUTRIDER_ADAPTER is 'swift'")
    expect(status).toBe(3)
  })
})

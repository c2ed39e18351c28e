import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'

/** How a process ends in which the device is destroyed by that code. */
function ending(destroy: string): (number | string | null)[] {
  const program = `
    const { endProcess } = await import(${JSON.stringify(new URL('end-process.ts', import.meta.url).href)})
    endProcess(130, () => { ${destroy} }, 300)`
  const loader = ['--conditions=@outrider/source', '--import', '@outrider/build/source', '--input-type=module']
  const { status, signal, stdout } = spawnSync(process.execPath, [...loader, '-e', program], { timeout: 60_000 })
  return [stdout.toString(), status, signal]
}

test('a process ends with its code when its device is destroyed', () => {
  expect(ending("process.stdout.write('destroyed')")).toEqual(['destroyed', 130, null])
})

test('a driver that does not let go of its thread does not keep the process', () => {
  const wait = 'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50_000)'
  expect(ending(wait)).toEqual(['', null, 'SIGKILL'])
})

import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import type { Row } from '../../suite'
import { packGpu } from './pack'

test.runIf(process.platform === 'linux' && process.arch === 'x64')(
  'the suite for GPUs is packed into a folder that runs by itself, without a Node of the machine or its home',
  async () => {
    const place = await mkdtemp(join(tmpdir(), 'outrider-packed-'))
    try {
      const folder = join(place, 'gpu')
      expect(await packGpu(folder)).toBeGreaterThan(2 ** 25)
      await expect(packGpu(folder)).rejects.toThrow('is there and not empty')
      const run = (...given: string[]) =>
        promisify(execFile)('/bin/sh', [join(folder, 'run.sh'), ...given], {
          cwd: place,
          env: { PATH: '/usr/bin:/bin', HOME: place, OUTRIDER_ADAPTER: 'swiftshader' },
        })
      const { stdout } = await run('--set', 'size=tiny', '--set', 'steps=copy', '--rows', 'rows.jsonl')
      expect(stdout).toMatch(/^Adapter: .*SwiftShader/)
      const lines = (await readFile(join(place, 'rows.jsonl'), 'utf8')).trim().split('\n')
      const rows = lines.map((line) => JSON.parse(line) as Row)
      expect(rows[0]).toMatchObject({ step: 'copy', case: 'copy of 1 MiB', ms: expect.any(Number) })
      for (const { wrong } of rows) expect(wrong).toBeUndefined()
      await expect(run('--set', 'size=70B')).rejects.toMatchObject({ stderr: expect.stringContaining('size is "70B"') })
      await writeFile(join(folder, 'lib', 'vk_swiftshader_icd.json'), '{}') // no driver any more
      await expect(run()).rejects.toMatchObject({
        stderr: expect.stringContaining('There is no adapter for Dawn here'),
      })
    } finally {
      await rm(place, { recursive: true, force: true })
    }
  },
)

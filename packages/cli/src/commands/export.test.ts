import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { testData } from '@outrider/test-data'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runCli } from '../testing/run-cli'

let root: string
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'outrider-export-'))
})
afterAll(() => rm(root, { recursive: true, force: true }))

const model = testData('stories260K')

describe('outrider export', () => {
  test('writes a GGUF file where --out ends so', async () => {
    const out = join(root, 'draft.gguf')
    const { status, json } = await runCli(['export', '--model', model, '--out', out, '--dtype', 'q8_0', '--json'])
    expect(status).toBe(0)
    const file = await readFile(out)
    expect(json()).toEqual({ out, format: 'gguf', dtype: 'q8_0', parameters: 260_032, bytes: file.length })
    expect(file.subarray(0, 4).toString()).toBe('GGUF')
  })

  test('writes a Hugging Face directory otherwise', async () => {
    const out = join(root, 'directory')
    const { status, out: text } = await runCli(['export', '--model', model, '--out', out, '--dtype', 'bf16'])
    expect(status).toBe(0)
    expect(text).toMatch(/directory: safetensors, bf16, 513 KiB/)
    expect(await readdir(out)).toContain('model.safetensors')
  })

  test('refuses an element type that the format does not have, before it loads anything', async () => {
    const out = join(root, 'wrong')
    const { status, err } = await runCli(['export', '--model', model, '--out', out, '--dtype', 'q8_0'])
    expect(status).toBe(2)
    expect(err).toMatch(/--dtype q8_0 is not for --format safetensors/)
    expect(await readdir(root)).not.toContain('wrong')
  })
})

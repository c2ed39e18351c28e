import { existsSync } from 'node:fs'
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { testData } from '@outrider/test-data'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bundledTarget } from '../demo/bundled-target'
import { runCli } from '../testing/run-cli'

let root: string
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'outrider-export-'))
})
afterAll(() => rm(root, { recursive: true, force: true }))

const model = testData('stories260K')
const tinyChat = fileURLToPath(new URL('../../assets/tiny-chat', import.meta.url))

describe('outrider export', () => {
  test.each(['q8_0', 'q5_1'])('writes a GGUF file where --out ends so, in %s', async (dtype) => {
    const out = join(root, `draft-${dtype}.gguf`)
    const { status, json } = await runCli(['export', '--model', model, '--out', out, '--dtype', dtype, '--json'])
    expect(status).toBe(0)
    const file = await readFile(out)
    expect(json()).toEqual({ out, format: 'gguf', dtype, parameters: 260_032, bytes: file.length })
    expect(file.subarray(0, 4).toString()).toBe('GGUF')
  })

  test('writes a Hugging Face directory otherwise', async () => {
    const out = join(root, 'directory')
    const { status, out: text } = await runCli(['export', '--model', model, '--out', out, '--dtype', 'bf16'])
    expect(status).toBe(0)
    expect(text).toMatch(/directory: safetensors, bf16, 513 KiB/)
    expect(await readdir(out)).toContain('model.safetensors')
  })

  test('leaves a table of answers where it is, unless it is of another vocabulary, and says which', async () => {
    const out = join(root, 'with-answers')
    const file = join(out, 'answers.bin')
    const rows = join(root, 'answers.jsonl')
    await writeFile(rows, JSON.stringify({ prompt: 'Once upon', response: ' a time' }))
    const write = (...flags: string[]) => runCli(['export', '--model', model, '--out', out, ...flags])
    await write()
    await runCli(['table', '--model', model, '--data', rows, '--out', out])
    const table = await readFile(file)
    const again = await write()
    expect(again.err.replace(/\s+/g, ' ')).toMatch(/answers\.bin, the table of answers that was there, stays/)
    expect(await readFile(file)).toEqual(table)
    expect((await write('--json')).json().answers).toBe('kept')

    const others = await runCli(['table', '--model', bundledTarget(), '--data', rows, '--out', out])
    expect(others.status).toBe(0)
    const replaced = await write()
    expect(replaced.status).toBe(0)
    expect(replaced.err.replace(/\s+/g, ' ')).toMatch(/answers\.bin is removed: .* not of this vocabulary/)
    expect(existsSync(file)).toBe(false)
    expect((await write('--json')).json()).not.toHaveProperty('answers')
  })

  test('writes how transformers drafts with it, and says what other engines find beside its target', async () => {
    const out = join(root, 'assistant')
    const flags = ['--draft-length', '5', '--draft-stop', '0', '--target', model]
    const { status, json, err } = await runCli(['export', '--model', model, '--out', out, ...flags, '--json'])
    expect(status, err).toBe(0)
    expect(json()).toMatchObject({ obstacles: [] })
    expect(JSON.parse(await readFile(join(out, 'generation_config.json'), 'utf8'))).toMatchObject({
      num_assistant_tokens: 5,
      assistant_confidence_threshold: 0,
    })

    const ends = join(root, 'ends')
    await cp(model, ends, { recursive: true })
    await writeFile(join(ends, 'generation_config.json'), JSON.stringify({ eos_token_id: 7 }))
    await writeFile(join(ends, 'tokenizer_config.json'), '{}')
    const told = await runCli(['export', '--model', ends, '--out', join(root, 'told'), '--target', model])
    expect(told.status).toBe(0)
    expect(told.err).toContain('llama.cpp does not take it as a draft for')
    expect(told.err).toContain("its token that ends a text is 7, and the target's 2")
  })

  test.each([
    ['another vocabulary', 'mismatch', ['--target', tinyChat], 1, /vocabulary is not the target's/],
    ['settings that GGUF does not have', 'draft.gguf', ['--draft-length', '5'], 2, /-md .*draft\.gguf --draft-max 5/],
    ['what only GGUF has', 'rows', ['--covered-head'], 2, /--covered-head is for --format gguf/],
    ['tables of another format', 'tables.gguf', ['--table-dtype', 'bf16'], 2, /--table-dtype bf16 is not for/],
    ['a stop without a length', 'stop', ['--draft-stop', '0.4'], 2, /For one: --draft-length 5/],
  ])('refuses %s, and writes nothing', async (_, name, flags, expected, message) => {
    const { status, err } = await runCli(['export', '--model', model, '--out', join(root, name), ...flags])
    expect(status).toBe(expected)
    expect(err.replace(/\s+/g, ' ')).toMatch(message)
    expect(existsSync(join(root, name, 'config.json')) || existsSync(join(root, name, 'model.safetensors'))).toBe(false)
  })

  test('refuses a tokenizer that llama.cpp cannot follow, unless what differs is accepted, and tells of it', async () => {
    const metaspace = join(root, 'metaspace')
    await cp(model, metaspace, { recursive: true })
    const file = join(metaspace, 'tokenizer.json')
    const json = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>
    json.normalizer = null
    json.pre_tokenizer = { type: 'Metaspace', replacement: '▁', prepend_scheme: 'first', split: false }
    await writeFile(file, JSON.stringify(json))

    const out = join(root, 'differs.gguf')
    const refused = await runCli(['export', '--model', metaspace, '--out', out])
    expect(refused.status).toBe(1)
    expect(refused.err.replace(/\s+/g, ' ')).toMatch(/prepend_scheme "first".*--accept-differences/)
    expect(await readdir(root)).not.toContain('differs.gguf')
    const accepted = await runCli(['export', '--model', metaspace, '--out', out, '--accept-differences'])
    expect(accepted.status).toBe(0)
    expect(accepted.err.replace(/\s+/g, ' ')).toMatch(/In llama\.cpp: its pre-tokenizer Metaspace/)
    const again = await runCli(['export', '--model', metaspace, '--out', out, '--accept-differences', '--json'])
    expect(again.json()).toMatchObject({ differences: [expect.stringContaining('Metaspace')] })
    const wrong = await runCli(['export', '--model', model, '--out', join(root, 'hf'), '--accept-differences'])
    expect(wrong.status).toBe(2)
  })

  test('names the tensor that an element type cannot hold, in both formats, and leaves nothing', async () => {
    const large = join(root, 'large')
    await cp(model, large, { recursive: true })
    const file = join(large, 'model.safetensors')
    const bytes = await readFile(file)
    const headerLength = Number(bytes.readBigUInt64LE(0))
    const header = JSON.parse(bytes.subarray(8, 8 + headerLength).toString()) as Record<
      string,
      { data_offsets: [number, number] }
    >
    const name = 'model.layers.2.self_attn.o_proj.weight'
    bytes.writeFloatLE(70_000, 8 + headerLength + header[name]!.data_offsets[0] + 400)
    await writeFile(file, bytes)
    for (const out of ['large.gguf', 'large-f16']) {
      const { status, err } = await runCli(['export', '--model', large, '--out', join(root, out), '--dtype', 'f16'])
      expect([out, status]).toEqual([out, 1])
      expect(err.replace(/\s+/g, ' ')).toContain(`Tensor "${name}" has the value 70000 (element 100), more than F16`)
    }
    expect(await readdir(root)).not.toContain('large.gguf')
    const { status } = await runCli(['export', '--model', large, '--out', join(root, 'large-bf16'), '--dtype', 'bf16'])
    expect(status).toBe(0)
  })

  test('refuses a directory that is named as a file', async () => {
    for (const given of [['x.safetensors'], ['x.bin'], ['x.gguf', '--format', 'safetensors']]) {
      const [name, ...flags] = given as [string, ...string[]]
      const { status, err } = await runCli(['export', '--model', model, '--out', join(root, name), ...flags])
      expect(status).toBe(2)
      expect(err).toMatch(/is named as a file, and safetensors are a directory/)
      expect(existsSync(join(root, name))).toBe(false)
    }
  })

  test('refuses an element type that the format does not have, before it loads anything', async () => {
    const out = join(root, 'wrong')
    const { status, err } = await runCli(['export', '--model', model, '--out', out, '--dtype', 'q8_0'])
    expect(status).toBe(2)
    expect(err).toMatch(/--dtype q8_0 is not for --format safetensors/)
    expect(await readdir(root)).not.toContain('wrong')
  })
})

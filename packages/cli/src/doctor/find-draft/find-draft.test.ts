import { cp, mkdir, mkdtemp, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { testDevice } from '@outrider/tensor/testing'
import { testData } from '@outrider/test-data'
import { Decoder, loadCausalLM, openCausalLM, pretrainedModel, saveCausalLM, saveGguf } from '@outrider/transformer'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { Terminal } from '../../terminal'
import { runCli } from '../../testing/run-cli'
import { findCandidates } from './candidates'
import { examine } from './obstacle'
import { printDrafts, verdict } from './print-drafts'

const model = testData('stories260K')
const commit = 'c0ffee0000000000000000000000000000000001'
let folder: string
const at = (...names: string[]) => join(folder, ...names)

/** A model in a cache of Hugging Face's layout: files in blobs, and a snapshot of links to them. */
async function inCache(cache: string, name: string, from: string, files: readonly string[], { main = true } = {}) {
  const store = join(cache, `models--${name.replace('/', '--')}`)
  for (const inner of ['blobs', 'refs', `snapshots/${commit}`]) await mkdir(join(store, inner), { recursive: true })
  for (const file of files) {
    await cp(join(from, file), join(store, 'blobs', file))
    await symlink(`../../blobs/${file}`, join(store, 'snapshots', commit, file))
  }
  if (main) await writeFile(join(store, 'refs', 'main'), commit)
}

const modelFiles = ['config.json', 'model.safetensors', 'tokenizer.json', 'tokenizer_config.json']

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'outrider-find-draft-'))
  vi.stubEnv('HF_HUB_CACHE', at('hub'))
  const device = await testDevice()
  const target = await loadCausalLM(model, { device })
  // The target without its last layer: a draft that is often right.
  const upper = { ...target.config, layers: target.config.layers - 1 }
  const last = `model.layers.${upper.layers}.`
  const kept = Object.entries(target.model.parameters).filter(([name]) => !name.startsWith(last))
  const shallow = pretrainedModel(new Decoder(device, upper, Object.fromEntries(kept)), target)
  await saveCausalLM(shallow, at('made'))
  await mkdir(at('deep'))
  await saveGguf(shallow, at('deep'), { file: 'small.gguf', dtype: 'F32' })
  target.dispose()

  const tokenizer = JSON.parse(await readFile(join(at('made'), 'tokenizer.json'), 'utf8'))
  const copy = (name: string) => cp(at('made'), at('models', name), { recursive: true })
  await copy('swapped')
  const { vocab } = tokenizer.model
  const [a, b] = Object.keys(vocab).filter((piece) => vocab[piece] > 400) as [string, string]
  ;[vocab[a], vocab[b]] = [vocab[b], vocab[a]]
  await writeFile(at('models', 'swapped', 'tokenizer.json'), JSON.stringify(tokenizer))
  await copy('cut')
  await truncate(at('models', 'cut', 'model.safetensors'), 5000)
  await copy('begun')
  await rm(at('models', 'begun', 'model.safetensors'))
  await mkdir(at('hub'))
  await inCache(at('hub'), 'our/draft', at('made'), modelFiles)
  await inCache(at('hub'), 'our/older', at('made'), modelFiles.slice(0, 1), { main: false })
  await mkdir(at('hub', 'models--no--snapshot', 'refs'), { recursive: true })
})
afterAll(async () => {
  vi.unstubAllEnvs()
  await rm(folder, { recursive: true })
})

describe('doctor --find-draft', () => {
  it("finds what of the Hub's cache and of directories can draft, what it gains, and why the rest cannot", async () => {
    const tiny = new URL('../../../assets/tiny-chat', import.meta.url).pathname
    const places = [at('models'), tiny, model]
    const { status, err, json } = await runCli(['doctor', '--model', model, '--find-draft', ...places, '--json'])
    expect(status, err).toBe(0)
    const { drafts, no_drafts, lookup_speed_up } = json() as Record<string, unknown>
    const figures = {
      parameters: expect.any(Number),
      acceptance_rate: expect.any(Number),
      cost_ratio: expect.any(Number),
      draft_length: expect.any(Number),
      block_efficiency: expect.any(Number),
      expected_speed_up: expect.any(Number),
    }
    expect(drafts).toEqual([{ draft: 'our/draft', ...figures }])
    const [{ acceptance_rate, block_efficiency }] = drafts as [Record<string, number>]
    expect(acceptance_rate).toBeGreaterThan(0.3)
    expect(acceptance_rate).toBeLessThan(1)
    expect(block_efficiency).toBeGreaterThan(1)
    expect(Number(lookup_speed_up)).toBeGreaterThan(0)
    expect(
      Object.fromEntries((no_drafts as { model: string; code: string; why: string }[]).map((no) => [no.model, no])),
    ).toEqual({
      [join(model, 'stories260K.f32.gguf')]: expect.objectContaining({ code: 'NOT_SMALLER' }),
      'our/older@c0ffee0000000000000000000000000000000001': expect.objectContaining({ code: 'FILE_MISSING' }),
      [tiny]: expect.objectContaining({
        code: 'VOCABULARY_MISMATCH',
        why: 'a vocabulary of another size: 455 tokens, and the model has 512',
      }),
      [at('models', 'swapped')]: expect.objectContaining({
        code: 'VOCABULARY_MISMATCH',
        why: expect.stringMatching(/^other tokens: \d+ is ".*", and in the model ".*"$/),
      }),
      [at('models', 'cut')]: expect.objectContaining({ code: 'FILE_FORMAT' }),
      [at('models', 'begun')]: expect.objectContaining({
        code: 'FILE_MISSING',
        why: expect.not.stringContaining(at('models', 'begun')),
      }),
    })
  })

  it('asks for the model, and says which directory is not there', async () => {
    const without = await runCli(['doctor', '--find-draft'])
    expect(without.status).toBe(2)
    expect(without.err).toContain('--find-draft looks for drafts of a model, and none is given')
    const missing = await runCli(['doctor', '--model', model, '--find-draft', at('model')])
    expect(missing.status).toBe(1)
    expect(missing.err.replace(/\s+/g, ' ')).toContain(`Did you mean ${at('models')}?`)
  })

  it('stops at Ctrl-C', async () => {
    const running = runCli(['doctor', '--model', model, '--find-draft', at('models')])
    process.emit('SIGINT')
    const { status, err } = await running
    expect(status).toBe(130)
    expect(err).toContain('doctor was stopped')
  })
})

describe('what is looked through', () => {
  it('has each model once, the first part of files in parts, and nothing of hidden folders', async () => {
    const place = at('shelf')
    await mkdir(join(place, '.trash', 'old'), { recursive: true })
    await mkdir(join(place, 'a', 'b'), { recursive: true })
    for (const file of [
      '.trash/old/config.json',
      'a/config.json',
      'a/b/x.gguf',
      'y-00001-of-00002.gguf',
      'y-00002-of-00002.gguf',
    ])
      await writeFile(join(place, file), '{}')
    await symlink('a', join(place, 'link'))
    const { candidates } = await findCandidates([place, join(place, 'a')])
    const names = candidates.map(({ name }) => name).filter((name) => name.startsWith(place))
    expect(names).toEqual(['y-00001-of-00002.gguf', 'a', 'a/b/x.gguf'].map((file) => join(place, file)))
  })

  it('may be a GGUF file, of which the header says that it can draft', async () => {
    const { candidates } = await findCandidates([at('deep')])
    const file = candidates.find(({ name }) => name === join(at('deep'), 'small.gguf'))!
    const { signal } = new AbortController()
    const examined = await examine(file, await openCausalLM(model), { signal })
    expect(examined).toEqual({ ...file, parameters: expect.any(Number) })
  })

  it('may be the cache of another machine', async () => {
    await inCache(at('copied'), 'our/other', at('made'), modelFiles)
    const { candidates } = await findCandidates([at('copied')])
    expect(candidates.map(({ name }) => name)).toContain('our/other')
  })
})

const draft = {
  name: './draft',
  parameters: 2.1e6,
  acceptanceRate: 0.5,
  costRatio: 0.0312,
  draftLength: 3,
  blockEfficiency: 2,
}
const found = { model: 'm', places: ['here', 'there'], others: [], lookupSpeedUp: null, drafts: [] }
const other = { name: 'x', code: 'FILE_FORMAT', why: 'broken' }

it('prints a table of the drafts, and a line for each of the others', () => {
  let out = ''
  const write = (text: string) => (out += text)
  const terminal = new Terminal({ out: { write }, err: { write }, env: {}, json: false })
  printDrafts(terminal, { ...found, drafts: [{ ...draft, speedUp: 1.4 }], others: [other, { ...other, name: 'y' }] })
  expect(out).toContain('for m, in here, there')
  expect(out).toMatch(/\.\/draft +2\.1M +0\.50 +0\.031 +3 +2\.00 +1\.40×/)
  expect(out).toMatch(/2 models cannot draft for it:\n• x: broken\n• y: broken/)
})

describe('the advice', () => {
  it.each([
    ['the best draft that gains', { drafts: [{ ...draft, speedUp: 1.4 }] }, '--draft ./draft'],
    [
      'looking up where no draft gains and that does',
      { drafts: [{ ...draft, speedUp: 0.9 }], lookupSpeedUp: 1.3 },
      '--draft lookup',
    ],
    [
      'making one where none gains',
      { drafts: [{ ...draft, speedUp: 0.9 }], lookupSpeedUp: 1 },
      'outrider align --target m',
    ],
    ['making one where none can', { others: [other] }, 'outrider align --target m'],
    ['making one where there is nothing', {}, 'No other model is there'],
  ])('is %s', (_, here, said) => {
    expect(verdict({ ...found, ...here })).toContain(said)
  })
})

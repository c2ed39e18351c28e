import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { OutriderError } from '@outrider/tensor'
import { testData } from '@outrider/test-data'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { checkModelSource, withFolderAdvice } from './model-source'
import { runCli } from './testing/run-cli'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'outrider-source-'))
  await writeFile(join(folder, 'model.gguf'), '')
  await writeFile(join(folder, 'model.safetensors'), '')
})
afterAll(() => rm(folder, { recursive: true }))

const told = async (source: string): Promise<string | undefined> => {
  const error = await checkModelSource('--model', source).catch((error: Error) => error)
  return error?.message
}

describe('what is given as a model', () => {
  it('is taken where it is there, or written as names of the Hub and addresses are', async () => {
    for (const source of [folder, join(folder, 'model.gguf'), 'org/name', 'org/name@main', 'org/name/q.gguf'])
      expect(await told(source)).toBeUndefined()
    expect(await told('https://host/model')).toBeUndefined()
  })

  it('is a path that is not there: its nearest neighbour is named, or what of it is missing', async () => {
    expect(await told(join(folder, 'modle.gguf'))).toBe(
      `There is no file ${join(folder, 'modle.gguf')}. Did you mean ${join(folder, 'model.gguf')}?`,
    )
    expect(await told(join(folder, 'no', 'such'))).toContain(`there is no folder ${join(folder, 'no')} either`)
    expect(await told('./no-such-model')).toMatch(/Check the path/)
    expect(await told('./no-such-model')).not.toMatch(/Hub/)
  })

  it('is one word: it is told how a model of the Hub is written', async () => {
    expect(await told('no-such-model')).toMatch(/org\/name of the Hub: models of the Hub have both parts/)
  })

  it('is a file that is no model, a home that no shell has read, or nothing', async () => {
    expect(await told(join(folder, 'model.safetensors'))).toContain(`Give the folder that it is in: ${folder}`)
    expect(await told('~/model')).toMatch(/write \$HOME/)
    expect(await told('')).toMatch(/--model is empty/)
    expect(await told(`file://${folder}`)).toMatch(/Write it as a path, without file/)
    expect(await told('s3://bucket/model')).toMatch(/It is an address: download it first/)
  })

  it('is missed before another is opened', async () => {
    const models = ['--model', testData('stories260K'), '--draft', './no-such-draft']
    const { status, err } = await runCli(['complete', ...models, '--prompt', 'x'])
    expect(status).toBe(1)
    expect(err).toContain('There is no model directory ./no-such-draft.')
    expect(err).not.toMatch(/Adapter|parameters/)
  })
})

describe('a file to be read', () => {
  it.each([
    ['evaluate', ['--prompts'], ['--target', '--draft']],
    ['distill', ['--data', '--text', '--validation'], ['--target', '--draft']],
    ['generate', ['--seeds'], ['--target']],
  ])('is missed by %s before a model is opened', async (command, files, models) => {
    const model = testData('stories260K')
    const here = join(folder, 'model.safetensors')
    for (const file of files) {
      const others = files.filter((one) => one !== file).flatMap((one) => [one, here])
      const given = [...models.flatMap((one) => [one, model]), ...others, file, join(folder, 'modle.safetensors')]
      const out = command === 'evaluate' ? [] : ['--out', join(folder, 'out')]
      const { status, err } = await runCli([command, ...given, ...out])
      expect(status).toBe(1)
      expect(err).toContain(`There is no file ${join(folder, 'modle.safetensors')} (${file}).`)
      expect(err).toContain(`Did you mean ${here}?`)
      expect(err).not.toMatch(/Adapter|parameters/)
    }
  })
})

it.each([
  ['https://host/rows.jsonl', /It is an address: download it first/],
  ['file:///rows.jsonl', /Write it as a path, without file/],
  ['org/name-of-rows', /hf download --repo-type dataset org\/name-of-rows/],
])('says of %s in place of a file what helps', async (path, advice) => {
  const model = testData('stories260K')
  const { status, err } = await runCli(['evaluate', '--target', model, '--draft', model, '--prompts', path])
  expect(status).toBe(1)
  expect(err).toContain(`There is no file ${path} (--prompts).`)
  expect(err).toMatch(advice)
  expect(err).not.toMatch(/Adapter/)
})

it('reads plain text by a pattern, which is no path', async () => {
  const model = testData('stories260K')
  const { err } = await runCli([
    'pretrain',
    '--target',
    model,
    '--text',
    join(folder, '*.txt'),
    '--out',
    join(folder, 'o'),
  ])
  expect(err).not.toMatch(/There is no file/)
  expect(err).toMatch(/Adapter/)
})

describe('an error of the hub', () => {
  const missing = new OutriderError('FILE_MISSING', 'org/nope is not there.', { remedy: 'Check the name.' })

  it('says that there is no such folder either, where a folder may have been meant', async () => {
    expect(await withFolderAdvice(missing, 'org/nope')).toMatchObject({
      code: 'FILE_MISSING',
      message:
        'org/nope is not there. Check the name. A folder org/nope is not here either; ./org/nope would name nothing but a folder.',
    })
  })

  it('names a folder that is like it', async () => {
    // The tests run in the root of the repository.
    expect(await withFolderAdvice(missing, 'packages/clii')).toMatchObject({
      remedy: 'Check the name. Or did you mean the folder packages/cli?',
    })
  })

  it('is as it was where a folder was read, or an address, or something else went wrong', async () => {
    expect(await withFolderAdvice(missing, folder)).toBe(missing)
    expect(await withFolderAdvice(missing, 'https://host/a')).toBe(missing)
    const other = new OutriderError('FILE_FORMAT', 'x')
    expect(await withFolderAdvice(other, 'org/nope')).toBe(other)
  })
})

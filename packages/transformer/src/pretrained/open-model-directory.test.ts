import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { testData } from '@outrider/test-data'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Directory, directory, memoryDirectory, openSafetensors, urlDirectory } from '../files/index'
import { openCausalLM } from './load'
import { openModelDirectory } from './open-model-directory'

const missing = (message: RegExp) => ({ code: 'FILE_MISSING', message: expect.stringMatching(message) })

describe('a host where no model is', () => {
  const model = (answer: (file: string) => Response) =>
    openModelDirectory(
      urlDirectory('http://host/m', {
        fetch: async (address) => answer(String(address).replace('http://host/m/', '')),
      }),
    )
  const nothing = () => new Response(null, { status: 404 })

  it('is said to have answered with a page, or with nothing', async () => {
    await expect(model(() => new Response('<!doctype html><title>Home</title>'))).rejects.toMatchObject(
      missing(/host\/m\/config.json: the server answered with an HTML page/),
    )
    await expect(model(nothing)).rejects.toMatchObject(missing(/host\/m has no file config.json/))
  })

  it('is said to have an adapter', async () => {
    const adapter = model((file) => (file === 'adapter_config.json' ? new Response('{}') : nothing()))
    await expect(adapter).rejects.toMatchObject(missing(/host\/m has no config.json.*it has an adapter.*Merge it/))
  })
})

describe('a directory that is no model', () => {
  const adapterConfig = '{"base_model_name_or_path":"org/base","peft_type":"LORA"}'
  it.each([
    [['adapter_config.json', 'adapter_model.safetensors'], /an adapter of "org\/base".*Merge it/],
    [['a.Q4_K_M.gguf', 'readme.md'], /Give the path of the GGUF file in it: m\/a.Q4_K_M.gguf/],
    [['pytorch_model.bin', 'tokenizer.json'], /weights as PyTorch saves them, pytorch_model.bin/],
    [['consolidated.00.pth', 'params.json'], /form of its first release, consolidated.00.pth/],
    [['model.onnx'], /ONNX.*model.onnx/],
    [['model.safetensors.incomplete'], /an unfinished download/],
    [[], /it is empty/],
    [['tokenizer.json'], /m has no config.json, so it is not a model directory\. Give the path/],
  ])('says what it is: %j', async (names, message) => {
    const files = Object.fromEntries(names.map((name) => [name, adapterConfig]))
    await expect(openModelDirectory(memoryDirectory(files, 'm'))).rejects.toMatchObject(missing(message))
  })

  it.each([
    [['a/config.json', 'readme.md'], /holds one, in a.*model itself: m\/a\./],
    [['a/config.json', 'b/config.json'], /holds 2 of them, in a, b/],
    [['refs/main', 'snapshots/0a1b/config.json', 'blobs/x'], /model itself: m\/snapshots\/0a1b\./],
  ])('but holds one names the place: %j', async (names, message) => {
    const files = Object.fromEntries(names.map((name) => [name, '{}']))
    await expect(openModelDirectory(memoryDirectory(files, 'm'))).rejects.toMatchObject(missing(message))
  })
})

it('a model of a hub that lies in a folder there is to be downloaded', async () => {
  const files = memoryDirectory({ 'sub/config.json': '{}' }, 'org/name')
  await expect(openModelDirectory(files)).rejects.toMatchObject(missing(/holds one, in sub\. Download that folder/))
})

describe('a path', () => {
  let root: string
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'outrider-places-'))
    await mkdir(join(root, 'model/onnx'), { recursive: true })
    await writeFile(join(root, 'model/config.json'), '{}')
    await writeFile(join(root, 'model/model.safetensors'), '')
    await writeFile(join(root, 'model/onnx/decoder.onnx'), '')
    await writeFile(join(root, 'blob'), 'GGUF\u0003\0\0\0')
    await writeFile(join(root, 'notes.txt'), 'notes')
    await writeFile(join(root, 'model.tar.gz'), gzipSync('model'))
    await mkdir(join(root, 'linked'))
    await symlink(join(root, 'no-blob'), join(root, 'linked/model.safetensors'))
    await writeFile(join(root, 'linked/config.json'), '{}')
  })
  afterAll(() => rm(root, { recursive: true, force: true }))

  it('of a folder in a model names the model', async () => {
    await expect(openCausalLM(join(root, 'model/onnx'))).rejects.toMatchObject(
      missing(/it is a folder of one\. Give the path of the model itself: .*model\./),
    )
  })

  it('of a file of a model names its directory; of another, what is wanted', async () => {
    await expect(openCausalLM(join(root, 'model/model.safetensors'))).rejects.toMatchObject(
      missing(/model.safetensors is not a model directory: it is a file\. Give the path of the directory.*model\./),
    )
    await expect(openCausalLM(join(root, 'notes.txt'))).rejects.toMatchObject(missing(/it is a file/))
    await expect(openCausalLM(join(root, 'model.tar.gz'))).rejects.toMatchObject(
      missing(/compressed \(gzip\)\. Unpack it/),
    )
    await expect(openCausalLM(join(root, 'blob'))).rejects.toMatchObject(missing(/it is a GGUF file.*end in .gguf/))
  })

  it('of weights that are a link to nowhere says so', async () => {
    await expect(openSafetensors(directory(join(root, 'linked')))).rejects.toMatchObject(
      missing(/but a model.safetensors that leads to where no file is.*a link whose target is gone/),
    )
  })

  it.each([
    ['https://huggingface.co/org/name', 'org/name'],
    ['https://huggingface.co/org/name/tree/main', 'org/name'],
    ['https://hf.co/org/name/tree/v1.0/', 'org/name@v1.0'],
    ['https://huggingface.co/org/name/blob/main/config.json?x=1', 'org/name'],
  ])('that is a page about a model names the model: %s', async (page, id) => {
    await expect(openCausalLM(page)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: `${page} is a page about a model. Give ${id}.`,
    })
  })
})

describe('a model directory', () => {
  const stories = async (changes: Record<string, string | Uint8Array | undefined>): Promise<Directory> => {
    const source = directory(testData('stories260K'))
    const files: Record<string, Uint8Array | string> = {}
    for (const name of await source.list())
      if (/\.(json|safetensors)$/.test(name)) files[name] = await source.read(name)
    for (const [name, content] of Object.entries(changes)) {
      if (content === undefined) delete files[name]
      else files[name] = content
    }
    return memoryDirectory(files, 'stories')
  }
  const pointer = 'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n'

  it.each([
    'config.json',
    'generation_config.json',
    'tokenizer.json',
    'tokenizer_config.json',
    'chat_template.jinja',
    'model.safetensors',
  ])('with a pointer of Git LFS in place of %s says so', async (file) => {
    await expect(openModelDirectory(await stories({ [file]: pointer }))).rejects.toMatchObject({
      code: 'FILE_FORMAT',
      message: expect.stringMatching(new RegExp(`stories/${file}.*pointer of Git LFS`)),
    })
  })

  it('with an index that is a pointer says so', async () => {
    const files = await stories({ 'model.safetensors': undefined, 'model.safetensors.index.json': pointer })
    await expect(openModelDirectory(files)).rejects.toThrow(/index.json is a pointer of Git LFS/)
  })

  it.each([
    ['pytorch_model.bin', /neither model.safetensors nor.*but weights as PyTorch saves them, pytorch_model.bin/],
    ['pytorch_model-00001-of-00002.bin', /as PyTorch saves them/],
    ['flax_model.msgpack', /another framework, flax_model.msgpack/],
    ['tf_model.h5', /tf_model.h5/],
    ['model.ckpt', /PyTorch.*model.ckpt/],
    ['weights.npz', /weights.npz/],
    ['model.fp16.safetensors', /but model.fp16.safetensors\. .*name it model.safetensors/],
    ['consolidated.safetensors', /form of its first release/],
    ['model.safetensors.incomplete', /unfinished download/],
    ['m.gguf', /Give the path of the GGUF file in it: stories\/m.gguf/],
  ])('whose weights are %s says so', async (file, message) => {
    const files = await stories({ 'model.safetensors': undefined, [file]: 'x' })
    await expect(openModelDirectory(files)).rejects.toMatchObject(missing(message))
  })

  it('with an adapter beside its weights is refused: others would add it', async () => {
    const changes = { 'adapter_config.json': '{"base_model_name_or_path":"b"}', 'adapter_model.safetensors': '' }
    await expect(openModelDirectory(await stories(changes))).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringMatching(/an adapter of "b".*Merge it.*remove adapter_model.safetensors/),
    })
  })
})

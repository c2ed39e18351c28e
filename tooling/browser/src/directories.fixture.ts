import { OutriderError } from '@outrider/tensor'
import { type Directory, fileListDirectory, handleDirectory, opfsDirectory, within } from '@outrider/transformer'
import { checkDirectory } from '@outrider/transformer/testing'

/** What a promise fails with. */
const failure = (work: Promise<unknown>) =>
  work.then(
    () => null,
    (error: unknown) =>
      error instanceof OutriderError
        ? { code: error.code, message: error.message, details: JSON.stringify(error.details) }
        : { code: 'other', message: String(error), details: '' },
  )

/** Everything under a handle, with what lies in its folders. */
async function everything(handle: FileSystemDirectoryHandle, prefix = ''): Promise<string[]> {
  const names: string[] = []
  for await (const [name, entry] of handle.entries())
    if (entry.kind === 'directory') names.push(...(await everything(entry as typeof handle, `${prefix}${name}/`)))
    else names.push(prefix + name)
  return names.sort()
}

async function writes(files: Directory) {
  const broken = await failure(checkDirectory(files))
  await files.write('b.txt', 'grüße')
  await files.write('folder/a.bin', [Uint8Array.of(1, 2), Uint8Array.of(3)])
  await files.write('b.txt', 'anew')
  await files.append('lines.jsonl', 'one\n')
  await files.append('lines.jsonl', new TextEncoder().encode('torn'))
  await files.append('lines.jsonl', 'zwölf\n', 4)
  await files.write('gone/x', 'x')
  await files.remove('gone/x')
  await files.remove('gone/x')
  return {
    broken,
    text: await files.readText('b.txt'),
    lines: await files.readText('lines.jsonl'),
    part: [...(await files.read('folder/a.bin', { start: 1, end: 9 }))],
    size: await files.size('folder/a.bin'),
    listed: [await files.list(), await files.list('folder'), await within(files, 'folder').list()],
    has: [await files.has('b.txt'), await files.has('gone/x'), await files.has('folder'), await files.has('b.txt/c')],
    missing: [await failure(files.read('none')), await failure(files.size('no/ne')), await failure(files.list('none'))],
    outside: await failure(Promise.resolve().then(() => files.read('../secret'))),
    below: await failure(files.write('b.txt/c', 'x')),
  }
}

/** A quota of 64 kB: what fits stays, what does not leaves nothing behind. */
async function full(files: Directory, root: FileSystemDirectoryHandle) {
  await files.write('kept', 'old')
  await files.append('rows', 'row\n')
  const big = new Uint8Array(200_000)
  return {
    write: await failure(files.write('kept', big)),
    fresh: await failure(files.write('fresh', big)),
    append: await failure(files.append('rows', big)),
    kept: await files.readText('kept'),
    rows: await files.readText('rows'),
    names: await everything(root),
  }
}

async function chosen() {
  const file = (content: string, path: string) =>
    Object.defineProperty(new File([content], path.split('/').at(-1)!), 'webkitRelativePath', { value: path })
  const folder = fileListDirectory([
    file('{}', 'model/config.json'),
    file('12345', 'model/deep/x.bin'),
    file('w', 'model/a'),
  ])
  const single = fileListDirectory([new File(['GGUF'], 'tiny.gguf')])
  return {
    names: [folder.name, single.name],
    listed: [await folder.list(), await folder.list('deep'), await single.list()],
    folders: [await folder.folders!(), await single.folders!()],
    part: new TextDecoder().decode(await folder.read('deep/x.bin', { start: 1, end: 3 })),
    size: await folder.size('deep/x.bin'),
    text: await single.readText('tiny.gguf'),
    missing: await failure(Promise.resolve().then(() => folder.read('model/config.json'))),
    writing: await failure(folder.write('a', 'x')),
  }
}

/** A browser's directories at work. */
export default async function directories() {
  const origin = await navigator.storage.getDirectory()
  const opfs = opfsDirectory('made/when-needed')
  return {
    opfs: await writes(opfs),
    handle: await writes(handleDirectory(await origin.getDirectoryHandle('picked', { create: true }))),
    left: await everything(origin),
    full: await full(opfsDirectory('full'), await origin.getDirectoryHandle('full', { create: true })),
    chosen: await chosen(),
  }
}
export type Outcome = Awaited<ReturnType<typeof directories>>

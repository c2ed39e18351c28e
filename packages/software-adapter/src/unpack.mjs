import { createReadStream, createWriteStream } from 'node:fs'
import { access, mkdir, readFile, rename, rm, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createBrotliDecompress } from 'node:zlib'
import { extract } from 'tar-stream'
import { cacheFolder } from './cache-folder.mjs'

export async function unpackFromChromium(name, archives) {
  const root = chromiumPackage()
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
  const folder = join(await cacheFolder(), `chromium-${version}`, name)
  if (await exists(folder)) return folder

  // Unpacked beside its final place and renamed, so that two processes that start together both succeed.
  const partial = `${folder}.${process.pid}`
  await rm(partial, { recursive: true, force: true })
  await mkdir(partial, { recursive: true })
  try {
    await Promise.all(archives.map((archive) => unpack(join(root, 'bin', archive), partial)))
    await rename(partial, folder)
  } catch (error) {
    await rm(partial, { recursive: true, force: true })
    if (!(await exists(folder))) throw error
  }
  return folder
}

async function unpack(source, folder) {
  const bytes = [createReadStream(source), createBrotliDecompress()]
  if (!source.endsWith('.tar.br'))
    return pipeline(...bytes, createWriteStream(join(folder, basename(source, '.br')), { mode: 0o755 }))

  const tar = extract()
  const written = (async () => {
    for await (const entry of tar) {
      const target = join(folder, entry.header.name)
      await mkdir(dirname(target), { recursive: true })
      if (entry.header.type === 'file') await pipeline(entry, createWriteStream(target, { mode: 0o755 }))
      else {
        if (entry.header.type === 'symlink') await symlink(entry.header.linkname, target)
        entry.resume()
      }
    }
  })()
  await Promise.all([pipeline(...bytes, tar), written])
}

function chromiumPackage() {
  const entry = createRequire(import.meta.url).resolve('@sparticuz/chromium')
  return dirname(dirname(entry))
}

const exists = (file) =>
  access(file).then(
    () => true,
    () => false,
  )

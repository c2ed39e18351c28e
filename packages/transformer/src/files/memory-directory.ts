import { checkFileName, chunksOf, type Directory, fileMissing, listed } from './directory'

/** A folder that lives in memory: for tests, and for browsers. `files` are its first contents, texts as UTF-8. */
export function memoryDirectory(files: Record<string, Uint8Array | string> = {}, name = 'memory'): Directory {
  const encoder = new TextEncoder()
  const contents = new Map<string, Uint8Array>()
  for (const [file, content] of Object.entries(files))
    contents.set(checkFileName(name, file), typeof content === 'string' ? encoder.encode(content) : content)

  const contentOf = (file: string) => {
    const content = contents.get(checkFileName(name, file))
    if (!content) throw fileMissing(name, file)
    return content
  }

  return {
    name,
    ...listed(name, () => contents.keys()),
    has: async (file) => contents.has(checkFileName(name, file)),
    size: async (file) => contentOf(file).length,
    read: async (file, { start = 0, end } = {}) => contentOf(file).slice(start, end),
    readText: async (file) => new TextDecoder().decode(contentOf(file)),
    async write(file, content) {
      const chunks: Uint8Array[] = []
      for await (const chunk of chunksOf(content)) chunks.push(chunk.slice())
      contents.set(checkFileName(name, file), joined(chunks))
    },
    async append(file, content, from) {
      const before = contents.get(checkFileName(name, file)) ?? new Uint8Array()
      contents.set(
        file,
        joined([before.subarray(0, from), typeof content === 'string' ? encoder.encode(content) : content]),
      )
    },
    async remove(file) {
      contents.delete(checkFileName(name, file))
    },
    async move(file, to) {
      contents.set(checkFileName(name, to), contentOf(file))
      contents.delete(file)
    },
  }
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(chunks.reduce((bytes, chunk) => bytes + chunk.length, 0))
  let offset = 0
  for (const chunk of chunks) {
    whole.set(chunk, offset)
    offset += chunk.length
  }
  return whole
}

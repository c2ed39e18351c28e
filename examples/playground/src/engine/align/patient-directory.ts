import { OutriderError } from '@outrider/tensor'
import { type Directory, memoryDirectory } from '@outrider/transformer'

/** What to do about a full storage: try again, or go on and keep in memory what does not fit. */
export type WhenFull = 'retry' | 'memory'

/**
 * A directory that asks when its storage is full, and waits: what writes to it neither fails nor loses anything meanwhile.
 *
 * @param ask  called with the error; what it resolves to is done, what it throws is thrown by the writer
 */
export function patientDirectory(stored: Directory, ask: (error: OutriderError) => Promise<WhenFull>): Directory {
  /** Files that did not fit, once that has been chosen. */
  let memory: Directory | undefined

  async function writing(inMemory: (memory: Directory) => Promise<void>, work: () => Promise<void>): Promise<void> {
    for (;;) {
      if (memory) return inMemory(memory)
      try {
        return await work()
      } catch (error) {
        if (!isFull(error)) throw error
        if ((await ask(error)) === 'memory') memory = memoryDirectory({}, stored.name)
      }
    }
  }
  const holder = async (file: string): Promise<Directory> => (memory && (await memory.has(file)) ? memory : stored)

  return {
    name: stored.name,
    list: async (folder) => {
      const kept = memory ? await memory.list(folder) : []
      const others = await stored.list(folder).catch((error: unknown) => {
        if (kept.length > 0) return []
        throw error
      })
      return [...new Set([...kept, ...others])].sort()
    },
    has: async (file) => (await holder(file)).has(file),
    size: async (file) => (await holder(file)).size(file),
    read: async (file, range) => (await holder(file)).read(file, range),
    readText: async (file) => (await holder(file)).readText(file),
    async write(file, content) {
      // Content may come only once, and it may take two attempts to write it.
      const once = memoryDirectory()
      await once.write('content', content)
      const whole = await once.read('content')
      await writing(
        (memory) => memory.write(file, whole),
        () => stored.write(file, whole),
      )
    },
    append: (file, content, from) =>
      writing(
        async (memory) => {
          if (!(await memory.has(file)) && (await stored.has(file))) await memory.write(file, await stored.read(file))
          await memory.append(file, content, from)
        },
        () => stored.append(file, content, from),
      ),
    remove: async (file) => {
      await memory?.remove(file)
      await stored.remove(file)
    },
  }
}

const isFull = (error: unknown): error is OutriderError =>
  error instanceof OutriderError && error.details.code === 'QuotaExceededError'

import { OutriderError } from '@outrider/tensor'
import { type Directory, memoryDirectory } from '@outrider/transformer'
import { checkDirectory } from '@outrider/transformer/testing'
import { describe, expect, it } from 'vitest'
import { patientDirectory, type WhenFull } from './patient-directory'

/** A directory that takes no file of more than `room` bytes. */
function small(room: { bytes: number }): Directory {
  const inner = memoryDirectory()
  const check = (content: unknown) => {
    if ((content as Uint8Array).length <= room.bytes) return
    throw new OutriderError('FILE_WRITE', 'It is full.', { details: { code: 'QuotaExceededError' } })
  }
  return {
    ...inner,
    async write(file, content) {
      check(content)
      await inner.write(file, content)
    },
    async append(file, content, from) {
      check(content)
      await inner.append(file, content, from)
    },
  }
}

/** Answers in turn; what is asked more often fails. */
const answers = (...given: WhenFull[]) => {
  const asked = () =>
    given.length > 0 ? Promise.resolve(given.shift()!) : Promise.reject(new Error('asked once more'))
  return asked
}

describe('patientDirectory', () => {
  it('keeps what Directory promises, in its storage and in memory', async () => {
    await checkDirectory(patientDirectory(memoryDirectory(), answers()))
    await checkDirectory(patientDirectory(small({ bytes: -1 }), answers('memory')))
  })

  it('waits for room, and writes then all that was to be written, though it came once', async () => {
    const room = { bytes: 2 }
    const stored = small(room)
    const files = patientDirectory(stored, async () => {
      room.bytes = 100
      return 'retry'
    })
    const once = (async function* () {
      yield Uint8Array.of(1, 2)
      yield Uint8Array.of(3)
    })()
    await files.write('a/b', once)
    expect([...(await stored.read('a/b'))]).toEqual([1, 2, 3])
  })

  it('keeps in memory what does not fit, once that is chosen, and does not ask again', async () => {
    const stored = small({ bytes: 4 })
    const files = patientDirectory(stored, answers('memory'))
    await files.write('record', 'old')
    await files.write('checkpoint/big', 'too big')
    await files.append('record', ' and new')
    await files.append('fresh', 'longer than four')
    expect(await files.readText('record')).toBe('old and new')
    expect(await files.readText('fresh')).toBe('longer than four')
    expect(await files.list()).toEqual(['fresh', 'record'])
    expect(await files.list('checkpoint')).toEqual(['big'])
    expect(await stored.readText('record')).toBe('old')
    await files.remove('record')
    expect(await files.has('record')).toBe(false)
  })

  it('passes on every other failure, and what the question ends in', async () => {
    const failing = {
      ...memoryDirectory(),
      write: () => Promise.reject(new OutriderError('FILE_WRITE', 'no permission')),
    }
    await expect(patientDirectory(failing, answers()).write('a', 'x')).rejects.toThrow('no permission')
    await expect(patientDirectory(small({ bytes: 0 }), answers()).write('a', 'x')).rejects.toThrow('asked once more')
  })
})

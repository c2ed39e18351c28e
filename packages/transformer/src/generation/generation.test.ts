import { OutriderError } from '@outrider/tensor'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { GenerationResult } from './generate'
import { generation } from './generation'

const whole: GenerationResult = {
  tokens: [1, 2, 3],
  text: 'abc',
  finishReason: 'length',
  promptTokens: 1,
  cachedTokens: 0,
  timings: { promptSeconds: 0, decodeSeconds: 0 },
}

/** An answer of three pieces, or of one and an error; and what became of it. */
function answer(error?: Error) {
  const log: string[] = []
  async function* pieces() {
    try {
      log.push('began')
      yield 'a'
      if (error) throw error
      yield 'b'
      yield 'c'
      return whole
    } finally {
      log.push('freed')
    }
  }
  return { log, generation: generation(pieces()) }
}

/** Rejections that nobody handled while a test ran. */
function unhandled(): unknown[] {
  const reasons: unknown[] = []
  const note = (reason: unknown) => reasons.push(reason)
  process.on('unhandledRejection', note)
  onTestFinished(() => void process.off('unhandledRejection', note))
  return reasons
}
const turn = () => new Promise((resolve) => setTimeout(resolve))

async function read(pieces: AsyncIterable<string>): Promise<string> {
  let text = ''
  for await (const piece of pieces) text += piece
  return text
}

describe('a generation', () => {
  it('gives its pieces, then the whole as often as it is asked for', async () => {
    const { generation } = answer()
    expect(await read(generation)).toBe('abc')
    expect(await generation.result).toBe(whole)
    expect(await generation.result).toBe(whole)
    expect(await read(generation)).toBe('')
  })

  it('gives the whole to who asks before the loop, which still has every piece', async () => {
    const { generation } = answer()
    const result = generation.result
    expect(await Promise.all([read(generation), result])).toEqual(['abc', whole])
  })

  it('is generated where only the whole is asked for, and begins for nothing less', async () => {
    const { generation, log } = answer()
    await turn()
    expect(log).toEqual([])
    expect(await generation.result).toBe(whole)
    expect(log).toEqual(['began', 'freed'])
  })

  it('frees what it holds when the loop is left, and has no whole then', async () => {
    const rejections = unhandled()
    const { generation, log } = answer()
    for await (const _ of generation) break
    expect(log).toEqual(['began', 'freed'])
    await turn()
    expect(rejections).toEqual([])
    await expect(generation.result).rejects.toMatchObject({ code: 'ABORTED' })
  })

  it('has no whole where it is closed before it began', async () => {
    const { generation, log } = answer()
    await generation.return()
    await expect(generation.result).rejects.toMatchObject({ code: 'ABORTED' })
    expect(log).toEqual([])
  })

  it('throws an error in the loop alone, unless the whole is asked for, too', async () => {
    const rejections = unhandled()
    const error = new OutriderError('NOT_FINITE', 'no numbers')
    const { generation, log } = answer(error)
    await expect(read(generation)).rejects.toBe(error)
    expect(log).toEqual(['began', 'freed'])
    await turn()
    expect(rejections).toEqual([])
    await expect(generation.result).rejects.toBe(error)
  })

  it('throws an error of the whole that nobody waits for at nobody', async () => {
    const rejections = unhandled()
    const { generation } = answer(new Error('late'))
    void generation.result
    await turn()
    expect(rejections).toEqual([])
    await expect(generation.result).rejects.toThrow('late')
  })
})

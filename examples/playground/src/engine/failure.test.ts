import { OutriderError } from '@outrider/tensor'
import { describe, expect, it } from 'vitest'
import { EngineError, failureOf } from './failure'

describe('a failure', () => {
  it('has the code, the words and the remedy of a typed error, and no details that cannot be sent', () => {
    const error = new OutriderError('FILE_MISSING', 'It is not there.', {
      remedy: 'Look again.',
      details: { read: () => undefined },
    })
    expect(failureOf(error)).toEqual({
      code: 'FILE_MISSING',
      message: 'It is not there.',
      remedy: 'Look again.',
      details: {},
    })
  })

  it('of a full quota says what is safe and what to do, thrown by the browser or by a write', () => {
    const full = new DOMException('no room', 'QuotaExceededError')
    const write = new OutriderError('FILE_WRITE', 'cannot be written', { details: { code: full.name } })
    for (const error of [full, write])
      expect(failureOf(error)).toMatchObject({
        code: 'QUOTA',
        message: expect.stringContaining('What was stored before is whole'),
        remedy: expect.stringMatching(/Download.*delete.*go on/),
      })
  })

  it('stays itself on its way through the other thread, and keeps the words of what is no error', () => {
    const failure = failureOf(new OutriderError('DEVICE_LOST', 'gone'))
    expect(failureOf(new EngineError(failure))).toBe(failure)
    expect(failureOf('odd')).toMatchObject({ code: 'UNEXPECTED', message: 'odd' })
  })
})

import { describe, expect, it } from 'vitest'
import { addressesOf, retryAfter } from './http'

describe('the address of an endpoint', () => {
  it.each([
    ['http://localhost:8000', 'http://localhost:8000/v1', 'http://localhost:8000'],
    ['http://localhost:8000/v1/', 'http://localhost:8000/v1', 'http://localhost:8000'],
    ['https://a.example/openai/v1', 'https://a.example/openai/v1', 'https://a.example/openai'],
    ['https://a.example/v1/chat/completions', 'https://a.example/v1', 'https://a.example'],
    ['https://a.example/api/v3', 'https://a.example/api/v3', 'https://a.example/api/v3'],
  ])('%s is asked at %s', (given, base, root) => {
    expect(addressesOf(given)).toEqual({ base, root })
  })

  it.each([['localhost:8000'], ['ftp://a.example'], ['v1'], ['']])('is none: %j', (given) => {
    expect(() => addressesOf(given)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
  })

  it('with a password in it is refused, and the password not said', () => {
    const refusal = () => addressesOf('https://me:hunter2@a.example/v1')
    expect(refusal).toThrow(/a password.*apiKey/)
    expect(refusal).not.toThrow(/hunter2/)
  })
})

describe('Retry-After', () => {
  const now = Date.parse('2026-01-01T00:00:00Z')
  it.each([
    ['7', 7],
    ['0.5', 0.5],
    ['Thu, 01 Jan 2026 00:00:30 GMT', 30],
    ['Wed, 31 Dec 2025 23:00:00 GMT', 0],
    ['soon', undefined],
    ['', undefined],
    [null, undefined],
  ])('%j is %j seconds', (header, seconds) => {
    expect(retryAfter(header, now)).toBe(seconds)
  })
})

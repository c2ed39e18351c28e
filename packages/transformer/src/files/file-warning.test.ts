import { describe, expect, it } from 'vitest'
import { type FileWarning, warnOfKeys, warnOfUnknownKeys } from './file-warning'

const told = (keys: Iterable<string>) => {
  const warnings: FileWarning[] = []
  warnOfUnknownKeys((warning) => warnings.push(warning), 'm/config.json', keys)
  return warnings
}

describe('a warning of a file', () => {
  it('is one sentence that names the file and each key once', () => {
    expect(told(['a', 'b', 'a', 'c'])).toEqual([
      {
        file: 'm/config.json',
        keys: ['a', 'b', 'c'],
        message: 'm/config.json: not known here, and ignored: a, b and c.',
      },
    ])
    expect(told(['a'])[0]!.message).toMatch(/ignored: a\.$/)
    expect(told([])).toEqual([])
  })

  it('quotes keys that are no names, and is not endless', () => {
    expect(told(['two words', '\u001b[2J'])[0]!.message).toMatch(/: "two words" and "\\u001b\[2J"\.$/)
    expect(told(['k'.repeat(1e6)])[0]!.message).toMatch(/ignored: k{60}…\.$/)
    expect(told(Array.from({ length: 50 }, (_, i) => `k${i}`))[0]!.message).toMatch(/ k18, k19 and 30 more\.$/)
  })

  it('is told to nobody where nobody listens', () => {
    expect(() => warnOfKeys(undefined, 'f', ['a'], 'not applied')).not.toThrow()
  })
})

import { describe, expect, it } from 'vitest'
import { checkedScripts, faultOf } from './fault'

const demands = { leastWords: 3, scripts: [] }

describe('what a target wrote', () => {
  it.each([
    'How do I boil an egg?',
    'Write a Python function `add(a, b)` that returns a + b.\n\n```python\ndef add(a, b):\n    pass\n```',
    'Как дела сегодня?',
    '今日はとても良い天気ですね',
    '请用中文解释一下什么是 GPU。',
    '오늘 날씨가 어때요 친구?',
    'สวัสดีครับวันนี้เป็นอย่างไร',
    'What is 12 + 7?',
    '12 + 7 + 30 = ?',
  ])('is kept where it is a text of some words: %s', (text) => expect(faultOf(text, demands)).toBeUndefined())

  it.each([
    ['short', ''],
    ['short', 'Why not?'],
    ['repeats', 'I like to eat. I like to eat. I like to eat. I like to eat. I like to eat.'],
    ['repeats', `Please fill in: ${'_'.repeat(20)}`],
    ['script', 'Tell me какую-нибудь историю о котах и собаках'],
    ['script', 'A broken \uFFFD letter in a line'],
  ])('is not kept where it is %s: %s', (fault, text) => expect(faultOf(text, demands)).toBe(fault))

  it('has to be of a script that is asked for', () => {
    const latin = { leastWords: 3, scripts: checkedScripts(['Latin']) }
    expect(faultOf('How do I boil an egg?', latin)).toBeUndefined()
    expect(faultOf('Как дела сегодня?', latin)).toBe('script')
    expect(faultOf('Как дела сегодня?', { leastWords: 3, scripts: ['Latin', 'Cyrillic'] })).toBeUndefined()
    expect(() => checkedScripts(['latin'])).toThrow(/"latin" is no script.*Latin, Han/s)
  })
})

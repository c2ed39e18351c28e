import { ChatTemplate, Tokenizer } from '@outrider/transformer'
import { describe, expect, test } from 'vitest'
import { exchanges, plainText } from './index'
import { tokenizerFiles, vocabularySize } from './tokenizer'

const files = tokenizerFiles()
const tokenizer = Tokenizer.fromJson(files['tokenizer.json'], files['tokenizer_config.json'])

const words = (texts: readonly string[]) => new Set(texts.flatMap((text) => text.match(/[A-Za-z]+/g) ?? []))

describe('the small world', () => {
  test('is the same for the same seed, another for another', () => {
    expect(exchanges({ seed: 7, count: 30 })).toEqual(exchanges({ seed: 7, count: 30 }))
    expect(exchanges({ seed: 7, count: 30 })).not.toEqual(exchanges({ seed: 8, count: 30 }))
    expect(plainText({ seed: 7, count: 5 })).toEqual(plainText({ seed: 7, count: 5 }))
  })

  test('gives the tasks wanted in equal shares', () => {
    expect(exchanges({ seed: 1, count: 30 }).filter(({ task }) => task === 'translate')).toHaveLength(10)
    expect(
      exchanges({ seed: 1, count: 30, tasks: ['open-ended', 'summarise'] }).some(({ task }) => task === 'translate'),
    ).toBe(false)
  })

  test('Zuli has words of its own, and the plain text holds some of it', () => {
    const zuli = words(exchanges({ seed: 1, count: 900, tasks: ['translate'] }).map(({ answer }) => answer))
    const english = words(exchanges({ seed: 1, count: 900 }).map(({ prompt }) => prompt))
    const common = [...zuli].filter((word) => english.has(word))
    expect(common.every((word) => /^[A-Z]/.test(word))).toBe(true) // names stay
    expect(zuli.size - common.length).toBe(37)
    const plain = plainText({ seed: 1, count: 300 })
    expect(
      plain.filter((text) => [...words([text])].some((word) => zuli.has(word) && !english.has(word))).length,
    ).toBeGreaterThan(20)
  })

  test('fits the context with room to spare', () => {
    const lengths = exchanges({ seed: 3, count: 600 }).map(
      ({ prompt, answer }) => tokenizer.encode(prompt).length + tokenizer.encode(answer).length + 4,
    )
    expect(Math.max(...lengths)).toBeLessThan(120)
  })

  test('varies: instructions have many answers', () => {
    const answers = new Set(exchanges({ seed: 3, count: 500, tasks: ['open-ended'] }).map(({ answer }) => answer))
    expect(answers.size).toBeGreaterThan(400)
  })
})

describe('its tokenizer', () => {
  test('has a piece for every word: a word is one token', () => {
    for (const { prompt, answer } of exchanges({ seed: 99, count: 300 }))
      for (const text of [prompt, answer])
        expect(tokenizer.encode(text, { addSpecialTokens: false })).toHaveLength(
          text.match(/[A-Za-z]+|[.,:?]/g)!.length,
        )
  })

  test('brings any text through the round trip', () => {
    const texts = [...plainText({ seed: 4, count: 50 }), 'Grüße, 世界! 12 🙂', '  two spaces\n\ttab', '']
    for (const text of texts) expect(tokenizer.decode(tokenizer.encode(text))).toBe(text)
  })

  test('leaves room in the padded vocabulary and begins texts with its mark', () => {
    expect(tokenizer.vocabularySize).toBeLessThanOrEqual(vocabularySize)
    expect(tokenizer.vocabularySize).toBeGreaterThan(vocabularySize - 16)
    expect(tokenizer.encode('Mira')[0]).toBe(0)
  })

  test('renders a chat whose prompt is the beginning of the whole', () => {
    const template = ChatTemplate.fromConfig(files['tokenizer_config.json'])!
    const question = { role: 'user', content: 'Tell me about Mira.' }
    const prompt = template.render([question], { addGenerationPrompt: true })
    const whole = template.render([question, { role: 'assistant', content: 'Mira lives near the mill.' }])
    expect(whole.startsWith(prompt)).toBe(true)
    expect(whole).toBe('<|begin|><|user|>Tell me about Mira.<|end|><|assistant|>Mira lives near the mill.<|end|>')
    expect(tokenizer.encode(prompt, { addSpecialTokens: false }).slice(0, 2)).toEqual([0, 2])
  })
})

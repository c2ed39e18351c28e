import { readFileSync } from 'node:fs'
import { OutriderError } from '@outrider/tensor'
import { testData } from '@outrider/test-data'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type ChatMessage, ChatTemplate } from './chat-template'

/** What jinja2 3.1.6 gave, set up by transformers 5.24.0: tooling/test-data/chat-templates/record.py. */
type Recorded = string | { error: string } | { varies: true }
const recorded = <T>(file: string) => JSON.parse(readFileSync(testData(`chat-templates/${file}`), 'utf8')) as T

/** Some templates say what day it is: it is that of the recording. */
beforeAll(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: new Date(2026, 10, 27, 12) })
})
afterAll(() => {
  vi.useRealTimers()
})

const situations = recorded<{
  conversations: Record<string, ChatMessage[]>
  templates: Record<string, string>
  results: Record<string, Record<string, [Recorded, Recorded]>>
}>('situations.json')

const walk = recorded<{
  messages: ChatMessage[]
  names: Record<string, string[]>
  cases: [string, Recorded][]
}>('walk.json')

function rendered(template: string, messages: ChatMessage[], addGenerationPrompt: boolean): string | OutriderError {
  try {
    return new ChatTemplate(template, { bos_token: '<s>', eos_token: '</s>' }).render(messages, { addGenerationPrompt })
  } catch (error) {
    if (error instanceof OutriderError) return error
    throw error
  }
}

/** What is not as recorded: another text, or an error of only one of the two. */
function difference(recording: Recorded, ours: string | OutriderError): unknown {
  if (typeof recording === 'string') return ours === recording ? undefined : { recording, ours }
  return 'varies' in recording || ours instanceof OutriderError ? undefined : { recording, ours }
}

describe('templates', () => {
  it.each(Object.entries(situations.templates))(
    'of models and their kin are as transformers renders them: %s',
    (name, template) => {
      for (const [conversation, messages] of Object.entries(situations.conversations))
        for (const [i, recording] of situations.results[name]![conversation]!.entries())
          expect([conversation, i, difference(recording, rendered(template, messages, i === 1))]).toEqual([
            conversation,
            i,
            undefined,
          ])
    },
  )

  it('walk what jinja2 has, each as there or refused by name', () => {
    const differences: unknown[] = []
    const refused = new Set<string>()
    for (const [template, recording] of walk.cases) {
      const ours = rendered(template, walk.messages, true)
      if (ours instanceof OutriderError && ours.code === 'UNSUPPORTED')
        refused.add(/uses (.*?), which is not supported/.exec(ours.message)![1]!)
      else {
        const found = difference(recording, ours)
        if (found) differences.push([template, found])
      }
    }
    expect(differences).toEqual([])
    expect([...refused].sort()).toEqual([
      'the attribute fromkeys of dict',
      'the filter pprint',
      'the filter random',
      'the filter urlize',
      'the filter wordwrap',
      'the function lipsum',
      'the method encode of text',
      'the method maketrans of text',
      'the method translate of text',
      'the name self',
      'the tag autoescape',
      'the tag extends',
      'the tag from',
      'the tag import',
      'the tag include',
      'the text of a function',
      'the text of a generator',
    ])
  })

  it.each(Object.entries(walk.names))('know every name of jinja2 and Python 3.11: %s', (kind, names) => {
    const known = (name: string) => {
      const template = {
        filters: `{{ '${name}' is filter }}`,
        tests: `{{ '${name}' is test }}`,
        globals: `{{ ${name} is defined }}`,
      }[kind]
      if (template) return rendered(template, walk.messages, false) === 'True'
      const value = { str: "''", list: '[]', tuple: '()', dict: '{}', int: '(1)', float: '(1.5)', range: 'range(1)' }[
        kind
      ]
      const ours = rendered(`{{ (${value})['${name}'] }}`, walk.messages, false)
      if (ours instanceof OutriderError) return ours.code === 'UNSUPPORTED'
      // What changes a list or a dict is there, and fails where it is used, as in the sandbox of transformers.
      const used = rendered(`{{ (${value})['${name}'].x }}`, walk.messages, false)
      return ours !== '' || (used instanceof OutriderError && /is unsafe/.test(used.message))
    }
    expect(names.filter((name) => !known(name))).toEqual([])
  })

  it('try every name of jinja2 and of text in at least one recorded case', () => {
    const all = walk.cases.map(([template]) => template).join('\n')
    const { filters = [], tests = [], str = [] } = walk.names
    const tried = [
      ...filters.map((name) => `| ${name}`),
      ...tests.map((name) => ` is ${name}`),
      ...str.map((name) => `.${name}(`),
    ]
    expect(tried.filter((name) => !all.includes(name) && !all.includes(name.replace('| ', "map('")))).toEqual([
      ...['<', '<=', '>', '>='].map((name) => ` is ${name}`),
    ])
  })
})

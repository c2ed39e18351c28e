import { describe, expect, it } from 'vitest'
import { ChatTemplate } from './chat-template'
import type { TemplateLimits } from './jinja/index'

const messages = [
  { role: 'user', content: 'one two' },
  { role: 'assistant', content: 'three' },
]

const render = (source: string, limits: Partial<TemplateLimits> = {}) =>
  new ChatTemplate(source, {}, { limits }).render(messages)

const beyond = (message: RegExp) =>
  expect.objectContaining({ code: 'TEMPLATE_LIMIT', message: expect.stringMatching(message) })

const small: Partial<TemplateLimits> = { steps: 200, characters: 100, depth: 30 }
const twenty = '12345678901234567890'

describe('a template', () => {
  it.each([
    ['a loop', '{% for i in range(9) %}{{ i }} {% endfor %}', '0 1 2 3 4 5 6 7 8 '],
    ['a range with a step', '{{ range(7, 1, -3) | join(",") }}', '7,4'],
    [
      'loops in loops',
      '{% for m in messages %}{% for w in m.content.split(" ") %}{{ w }}/{% endfor %}{% endfor %}',
      'one/two/three/',
    ],
    [
      'a namespace',
      '{% set ns = namespace(n=0) %}{% for m in messages %}{% set ns.n = ns.n + 1 %}{% endfor %}{{ ns.n }}',
      '2',
    ],
    ['a macro', '{% macro f(x) %}<{{ x }}>{% endmacro %}{{ f("a") }}{{ f("b") }}', '<a><b>'],
    ['replacement', '{{ messages[0].content.replace("o", "0") }}', '0ne tw0'],
    ['a filter over a block', '{% filter upper %}a{{ "b" }}{% endfilter %}', 'AB'],
    ['membership', '{{ "two" in messages[0]["content"] }}', 'True'],
    ['JSON', '{{ messages[1] | tojson }}', '{"role": "assistant", "content": "three"}'],
    ['a year', '{{ strftime_now("%Y") | length }}', '4'],
  ])('within its limits is rendered as ever: %s', (_, source, text) => {
    expect(render(source, small)).toBe(text)
  })

  it('says what it raises, and breaks off loops', () => {
    expect(() => render('{{ raise_exception("roles must alternate") }}')).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringContaining('roles must alternate') }),
    )
    expect(render('{% for i in range(9) %}{% if i == 2 %}{% break %}{% endif %}{{ i }}{% endfor %}')).toBe('01')
  })

  it.each([
    ['a loop', '{% for i in range(20) %}{{ i }}{% endfor %}'],
    ['a loop without a body', '{% for i in range(20) %}{% endfor %}'],
    ['loops in loops', '{% for i in range(3) %}{% for j in range(3) %}{{ j }}{% endfor %}{% endfor %}'],
    [
      'a search in a loop',
      `{% set s = "${twenty.repeat(8)}" %}{% for i in range(9) %}{% if "${twenty}" in s %}{% endif %}{% endfor %}`,
    ],
  ])('is stopped at its limit of steps: %s', (_, source) => {
    expect(() => render(source, { steps: 19 })).toThrow(beyond(/more than 19 steps/))
  })

  it.each([
    [
      'a text that doubles',
      `{% set ns = namespace(s="ab") %}{% for i in range(8) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}`,
    ],
    [
      'a list that doubles',
      `{% set ns = namespace(s=[1]) %}{% for i in range(8) %}{% set ns.s = ns.s + ns.s %}{% endfor %}`,
    ],
    [
      'a list that holds itself twice',
      `{% set ns = namespace(s=[1]) %}{% for i in range(8) %}{% set ns.s = [ns.s, ns.s] %}{% endfor %}{{ ns.s }}`,
    ],
    [
      'a list whose namespaces are filled afterwards',
      '{% set a = namespace() %}{% set l = [a, a, a, a, a] %}{% set a.x = "123456789012345678901234567890" %}{{ l }}',
    ],
    ['output', '{% for i in range(15) %}0123456789{% endfor %}'],
  ])('is stopped where a value has grown beyond its limit: %s', (_, source) => {
    expect(() => render(source, { characters: 100 })).toThrow(beyond(/would have more than 100 characters/))
  })

  it.each([
    ['a range', '{{ range(150) | length }}'],
    ['a range in steps', '{{ range(0, 1500, 10) | length }}'],
    ['a power', '{{ 2 ** 101 }}'],
    ['a product', '{{ 1000000000000000 * 1000000000000000000 }}'],
    ['a text many times', '{{ "ab" * 51 }}'],
    ['a list many times', '{{ [1, 2] * 51 }}'],
    ['a width', '{{ "%101d" % 1 }}'],
    ['a width in braces', '{{ "{:101}".format(1) }}'],
    ['a text in the middle', '{{ "a".center(101) }}'],
    ['a replacement of every character', `{{ "${twenty}".replace("", "${twenty}") }}`],
    ['a replacement by name', `{{ "${twenty}"["replace"]("1", "${twenty}${twenty}${twenty}") }}`],
    ['a replacement in a list', `{{ "${twenty}".replace(*["1", "${twenty}${twenty}${twenty}"]) }}`],
    ['a replacement as a filter', `{{ "${twenty}" | replace("1", "${twenty}${twenty}${twenty}") }}`],
    ['a joint', `{{ [1, 2, 3, 4, 5, 6, 7] | join("${twenty}") }}`],
    ['an indentation', '{{ "a\\nb\\nc" | indent(60) }}'],
    ['an indentation of a block', '{% filter indent(60) %}a\nb\nc{% endfilter %}'],
    ['an indentation of JSON', '{{ messages | tojson(indent=60) }}'],
  ])('is stopped before a value grows beyond its limit: %s', (_, source) => {
    expect(() => render(source, { characters: 100 })).toThrow(beyond(/would have/))
  })

  it.each([
    ['a macro that calls itself', '{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}'],
    ['brackets', `{{ ${'('.repeat(20)}1${')'.repeat(20)} ${'+ 1'.repeat(20)} }}`],
    ['a namespace that holds itself', '{% set ns = namespace() %}{% set ns.self = ns %}{{ ns }}'],
  ])('is stopped where it is nested too deep: %s', (_, source) => {
    expect(() => render(source, { depth: 18 })).toThrow(beyond(/nested deeper than 18/))
  })

  it('is stopped when its time is over', () => {
    expect(() => render('{{ 1 }}', { milliseconds: 0 })).toThrow(beyond(/more than 0 s/))
  })

  it('is not even parsed where it is too long, and long runs of blanks take no longer than other text', () => {
    expect(() => render('0123456789', { sourceCharacters: 9 })).toThrow(beyond(/10 characters, more than 9/))
    expect(render(`a${' '.repeat(2 ** 17)}{{- 1 }}`, { sourceCharacters: 2 ** 18 })).toBe('a1')
  })
})

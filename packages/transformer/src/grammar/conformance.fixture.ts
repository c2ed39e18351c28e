import type { JsonSchema } from './json-schema/keywords'

/** A schema over keywords that are supported, values that fit it (in the order of its properties), and values that do not. */
export interface ConformanceCase {
  name: string
  schema: JsonSchema
  valid: readonly unknown[]
  invalid: readonly unknown[]
}

const person = {
  type: 'object',
  properties: {
    name: { type: 'string' },
    age: { type: 'integer', minimum: 0, maximum: 150 },
    email: { type: 'string' },
  },
  required: ['name', 'age'],
  additionalProperties: false,
}
const tree = {
  $ref: '#/$defs/node',
  $defs: {
    node: {
      type: 'object',
      properties: { value: { type: 'integer' }, children: { type: 'array', items: { $ref: '#/$defs/node' } } },
      required: ['value'],
      additionalProperties: false,
    },
  },
}
const shape = (oneOf: string) => ({
  [oneOf]: [
    {
      type: 'object',
      properties: { kind: { const: 'circle' }, radius: { type: 'number', exclusiveMinimum: 0 } },
      required: ['kind', 'radius'],
      additionalProperties: false,
    },
    {
      type: 'object',
      properties: { kind: { const: 'rectangle' }, width: { type: 'number' }, height: { type: 'number' } },
      required: ['kind', 'width', 'height'],
      additionalProperties: false,
    },
  ],
})

const only = (
  name: string,
  schema: JsonSchema,
  valid: readonly unknown[],
  invalid: readonly unknown[],
): ConformanceCase => ({
  name,
  schema,
  valid,
  invalid,
})

export const conformance: readonly ConformanceCase[] = [
  only('null', { type: 'null' }, [null], [0, 'null', false, {}]),
  only('boolean', { type: 'boolean' }, [true, false], [0, 'true', null]),
  only('integer', { type: 'integer' }, [0, -1, 7, 123456789, -987654], [1.5, '1', null]),
  only('number', { type: 'number' }, [0, -1.5, 3.125, 1e21, 2.5e-7, 42], ['1', null, []]),
  only('string', { type: 'string' }, ['', 'abc', 'é 🦙 "q" \\ \n\t\u0001', ' '], [1, null, ['a']]),
  only('two types', { type: ['string', 'null'] }, ['a', null], [1, true, {}]),
  only(
    'integers within bounds',
    { type: 'integer', minimum: -12, maximum: 1034 },
    [-12, -9, 0, 99, 100, 999, 1034],
    [-13, 1035, 10340, 2000, -99],
  ),
  only('integers above', { type: 'integer', exclusiveMinimum: 9 }, [10, 99, 100, 12345], [9, 0, -1]),
  only('integers below', { type: 'integer', maximum: -5 }, [-5, -10, -99999], [-4, 0, 5]),
  only(
    'safe integers',
    { type: 'integer', minimum: -9007199254740991, maximum: 9007199254740991 },
    [0, -5, 1e14],
    [1.5],
  ),
  only(
    'numbers within bounds',
    { type: 'number', minimum: 0, maximum: 1 },
    [0, 1, 0.5, 0.001, 0.999],
    [-0.1, 1.001, 2, 10],
  ),
  only(
    'numbers between close bounds',
    { type: 'number', minimum: 2.25, maximum: 2.5 },
    [2.25, 2.3, 2.4999, 2.5],
    [2.2, 2.249, 2.51, 2, 3, 2.6],
  ),
  only(
    'numbers outside their bounds',
    { type: 'number', exclusiveMinimum: -1.5, exclusiveMaximum: 10 },
    [-1.4, -1.4999, 0, 9.99, 9],
    [-1.5, 10, -2, 11],
  ),
  only('numbers above', { type: 'number', exclusiveMinimum: 0 }, [0.5, 1, 0.001, 12345.5], [0, -1]),
  only(
    'strings of a length',
    { type: 'string', minLength: 2, maxLength: 4 },
    ['ab', 'abcd', '🦙🦙', 'é"\\'],
    ['', 'a', 'abcde', '🦙'],
  ),
  only('strings of a length at least', { type: 'string', minLength: 3 }, ['abc', 'abcdefgh'], ['', 'ab']),
  only(
    'a pattern',
    { type: 'string', pattern: '^[a-z]{2,5}(-\\d+)?$' },
    ['ab', 'abcde', 'abc-12'],
    ['a', 'abcdef', 'ab-', 'AB', 'ab-1x'],
  ),
  only('a pattern anywhere', { type: 'string', pattern: '\\d|^\\s' }, ['a1b', '7', ' x'], ['ab', 'x y', '']),
  only(
    'a pattern of escaped characters',
    { type: 'string', pattern: '^["\\\\\\n]+[^a-z]$' },
    ['"\\\n1', '\\é'],
    ['"a', 'x'],
  ),
  only(
    'dates',
    { type: 'string', format: 'date' },
    ['2024-02-28', '1999-12-31'],
    ['2024-13-01', '2024-02-30', 'today'],
  ),
  only(
    'times of a day',
    { type: 'string', format: 'date-time' },
    ['2024-02-28T23:59:59Z', '2024-06-30T00:00:00.123+02:00'],
    ['2024-02-28', '2024-02-28T25:00:00Z'],
  ),
  only(
    'identifiers',
    { type: 'string', format: 'uuid' },
    ['123e4567-e89b-12d3-a456-426614174000'],
    ['123e4567', 'zzze4567-e89b-12d3-a456-426614174000'],
  ),
  only(
    'addresses',
    {
      type: 'array',
      items: {
        anyOf: [
          { type: 'string', format: 'email' },
          { type: 'string', format: 'ipv4' },
          { type: 'string', format: 'uri' },
        ],
      },
    },
    [['a.b@example.org', '127.0.0.1', 'https://example.org/a?b=c#d']],
    [['a@'], ['300.1.1.1'], ['x y']],
  ),
  only(
    'listed values',
    { enum: ['red', 'green', 'grey', 5, null, [1, { a: 'b' }]] },
    ['red', 'grey', 5, null, [1, { a: 'b' }]],
    ['gre', 'blue', 4, [1]],
  ),
  only('listed values of a type', { type: 'integer', enum: ['a', 1, 22, 2.5] }, [1, 22], ['a', 2, 2.5]),
  only(
    'one value',
    { const: { version: 1, tags: ['x'] } },
    [{ version: 1, tags: ['x'] }],
    [{ version: 2, tags: ['x'] }, {}],
  ),
  only('lists', { type: 'array', items: { type: 'integer' } }, [[], [1], [1, 2, 3]], [['a'], [1.5], 1]),
  only(
    'lists of a length',
    { type: 'array', items: { type: 'boolean' }, minItems: 2, maxItems: 3 },
    [
      [true, false],
      [true, true, true],
    ],
    [[], [true], [true, true, true, true]],
  ),
  only(
    'lists of lists',
    { type: 'array', items: { type: 'array', items: { type: 'number' }, minItems: 1 } },
    [[], [[1], [2, 3]]],
    [[[]], [1]],
  ),
  only(
    'tuples',
    { type: 'array', prefixItems: [{ type: 'string' }, { type: 'integer' }], items: false },
    [['a', 1]],
    [
      [1, 'a'],
      ['a', 1, 2],
    ],
  ),
  only(
    'tuples with more',
    { type: 'array', prefixItems: [{ type: 'string' }], items: { type: 'integer' }, minItems: 1, maxItems: 3 },
    [['a'], ['a', 1], ['a', 1, 2]],
    [[], [1], ['a', 'b'], ['a', 1, 2, 3]],
  ),
  only(
    'objects',
    person,
    [
      { name: 'Mira', age: 41 },
      { name: '', age: 0, email: 'x' },
    ],
    [{}, { name: 'a' }, { name: 'a', age: 151 }, { name: 'a', age: 1, x: 2 }],
  ),
  only(
    'objects of which nothing is required',
    { type: 'object', properties: { a: { type: 'integer' }, b: { type: 'null' }, c: { type: 'boolean' } } },
    [{}, { a: 1 }, { b: null }, { a: 1, c: true }, { b: null, c: false }],
    [{ a: 'x' }, { c: 1 }],
  ),
  only(
    'objects with others beside',
    {
      type: 'object',
      properties: { id: { type: 'integer' }, ideal: { type: 'boolean' } },
      required: ['id'],
      additionalProperties: { type: 'string' },
    },
    [{ id: 1 }, { id: 1, ideal: true, note: 'x' }, { id: 1, i: 'x', idea: 'y', '': 'z' }],
    [{}, { id: 'x' }, { id: 1, x: 2 }, { id: 1, ideal: 'x' }],
  ),
  only(
    'objects as maps',
    { type: 'object', propertyNames: { pattern: '^[a-z]+$' }, additionalProperties: { type: 'number' } },
    [{}, { a: 1 }, { abc: 1, d: 2.5 }],
    [{ A: 1 }, { a: 'x' }],
  ),
  only('objects of any kind', { type: 'object' }, [{}, { a: [1, { b: null }], 'c d': 'e' }], [[], 'a', 1]),
  only(
    'what is required without being described',
    { type: 'object', properties: { a: { type: 'integer' } }, required: ['a', 'b'] },
    [{ a: 1, b: [true] }],
    [{ a: 1 }, { b: 1 }],
  ),
  only('anything', true, [1, 'a', null, [1, [2]], { a: { b: [] } }], []),
  only(
    'one of several schemas',
    { anyOf: [{ type: 'string', maxLength: 3 }, { type: 'array', items: { type: 'integer' } }, person] },
    ['abc', [1, 2], { name: 'a', age: 2 }],
    ['abcd', ['a'], { name: 'a' }, null],
  ),
  only(
    'one of several schemas beside what all share',
    {
      type: 'object',
      properties: { id: { type: 'integer' } },
      required: ['id'],
      anyOf: [
        { properties: { a: { type: 'string' } }, required: ['a'] },
        { properties: { b: { type: 'boolean' } }, required: ['b'] },
      ],
    },
    [
      { id: 1, a: 'x' },
      { id: 1, b: true },
    ],
    [{ id: 1 }, { a: 'x' }, { id: 1, b: 'x' }],
  ),
  only(
    'exactly one, told apart by a value',
    shape('oneOf'),
    [
      { kind: 'circle', radius: 1.5 },
      { kind: 'rectangle', width: 1, height: 2 },
    ],
    [{ kind: 'circle' }, { kind: 'square' }, { kind: 'circle', radius: 0 }],
  ),
  only(
    'all of several schemas',
    {
      allOf: [
        { type: 'object', properties: { a: { type: 'integer', minimum: 3 } }, required: ['a'] },
        { type: 'object', properties: { a: { maximum: 5 }, b: { type: 'string' } }, required: ['b'] },
      ],
    },
    [
      { a: 3, b: '' },
      { a: 5, b: 'x' },
    ],
    [{ a: 6, b: '' }, { a: 2, b: '' }, { a: 3 }],
  ),
  only(
    'a tree',
    tree,
    [{ value: 1 }, { value: 1, children: [{ value: 2, children: [] }, { value: 3 }] }],
    [{ children: [] }, { value: 1, children: [1] }],
  ),
  only(
    'what refers to the whole',
    {
      type: 'object',
      properties: { next: { anyOf: [{ $ref: '#' }, { type: 'null' }] } },
      required: ['next'],
      additionalProperties: false,
    },
    [{ next: null }, { next: { next: { next: null } } }],
    [{}, { next: {} }, { next: 1 }],
  ),
  only(
    'a reference with escapes',
    { $ref: '#/definitions/a~1b%20c', definitions: { 'a/b c': { enum: ['x'] } } },
    ['x'],
    ['y'],
  ),
]

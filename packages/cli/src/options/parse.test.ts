import { expect, it } from 'vitest'
import { buildProgram } from '../program'
import { draftStop, integer, listOf, memorySize } from './parse'

it('joins the lists of an option that is given again, whatever its default', () => {
  const parse = listOf(integer())
  expect(parse('3,5')).toEqual([3, 5])
  expect(parse('7')).toEqual([3, 5, 7])

  const commands = buildProgram(async () => undefined).commands
  const command = (name: string) => commands.find((one) => one.name() === name)!
  const evaluate = command('evaluate')
  evaluate.parseOptions(['--draft-length', '2', '--draft-length', '4,6'])
  expect(evaluate.opts().draftLength).toEqual([2, 4, 6])
  const generate = command('generate')
  generate.parseOptions(['--temperatures', '0', '--temperatures=0.5'])
  expect(generate.opts().temperatures).toEqual([0, 0.5])
  const complete = command('complete')
  complete.parseOptions(['--stop', 'a', 'b', '--stop', 'c'])
  expect(complete.opts().stop).toEqual(['a', 'b', 'c'])
})

it('takes where drafts end as a probability, of the drawn token or of being accepted', () => {
  expect(draftStop('0.4')).toEqual({ confidence: 0.4 })
  expect(draftStop('confidence:0.25')).toEqual({ confidence: 0.25 })
  expect(draftStop('acceptance:1')).toEqual({ acceptance: 1 })
  expect(draftStop('auto')).toBe('auto')
  for (const wrong of ['', 'automatic', 'entropy:0.4', '1.5', '-0.1', 'acceptance:', '0.4:acceptance'])
    expect(() => draftStop(wrong)).toThrow(/It must be a number/)
})

it('takes memory as a size with its unit', () => {
  expect(['12GiB', '1.5 MiB', '512kib', '8GB', '3MB'].map(memorySize)).toEqual([
    ...[12 * 2 ** 30, 1.5 * 2 ** 20, 512 * 2 ** 10, 8e9, 3e6],
  ])
  for (const wrong of ['', '12', '12G', '0GiB', '-1GiB', '1.2.3GiB', '9e9GiB', '9999999999GiB', 'all'])
    expect(() => memorySize(wrong)).toThrow(/It must be a size above 0/)
})

import { expect, it } from 'vitest'
import { buildProgram } from '../program'
import { integer, listOf } from './parse'

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

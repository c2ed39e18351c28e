import { describe, expect, it } from 'vitest'
import { ofOtherTools } from './options/other-tools'
import { buildProgram } from './program'
import { runCli } from './testing/run-cli'

const wrong = async (...args: string[]) => {
  const { status, err } = await runCli(args)
  expect(status).toBe(2)
  return err.split('\n')[0]
}

describe('a wrong usage', () => {
  it.each([
    ['complete', '--gamma', '--draft-length'],
    ['complete', '--num_speculative_tokens', '--draft-length'],
    ['complete', '--draft-max', '--draft-length'],
    ['complete', '-m', '--model'],
    ['complete', '-md', '--draft'],
    ['complete', '-n', '--max-tokens'],
    ['complete', '--max_new_tokens', '--max-tokens'],
    ['complete', '--temperatur', '--temperature'],
    ['complete', '--top_p', '--top-p'],
    ['distill', '--model', '--target'],
    ['distill', '--lr', '--learning-rate'],
    ['serve', '--max-model-len', '--context'],
    ['serve', '--served-model-name', '--name'],
    ['pretrain', '--output_dir', '--out'],
  ])('of %s with %s is told of %s, whatever else is missing', async (command, given, meant) => {
    expect(await wrong(command, given, 'x')).toBe(`error: unknown option '${given}' (Did you mean ${meant}?)`)
  })

  it('has the unknown option named with its value after =, and behind others that are known', async () => {
    expect(await wrong('complete', '--prompt', 'x', '--gamma=5')).toContain("'--gamma' (Did you mean --draft-length?)")
    expect(await wrong('complete', '--model', 'x', '--prompt', 'x', '--frobnicate')).toBe(
      "error: unknown option '--frobnicate'",
    )
  })

  it('has what is missing named where every option is known', async () => {
    expect(await wrong('complete', '--prompt', 'x')).toContain("required option '--model <dir>' not specified")
    expect(await wrong('complete', '--prompt', '--gamma')).toContain("required option '--model <dir>' not specified")
  })

  it('has what stands behind no option named, as a model that other tools take so', async () => {
    expect(await wrong('complete', './model', '--prompt', 'x')).toBe(
      "error: required option '--model <dir>' not specified. './model' stands behind no option.",
    )
    expect(await wrong('complete', '--model', 'm', '--prompt', 'Once', 'upon', 'a')).toMatch(
      /'upon' stands behind no option/,
    )
    expect(await wrong('complete', './model', '--gamma', '5')).toMatch(/^error: unknown option '--gamma'/)
  })

  it('is help of a command that is not there', async () => {
    expect(await wrong('help', 'complte')).toBe("error: unknown command 'complte' (Did you mean complete?)")
    expect(await wrong('help', 'nothing-like-it')).toBe("error: unknown command 'nothing-like-it'")
  })

  it('is a learning rate of 0, before a model is opened', async () => {
    const given = ['--target', '/nowhere', '--draft', '/nowhere', '--data', '/nowhere', '--out', '/nowhere']
    expect(await wrong('distill', ...given, '--learning-rate', '0')).toMatch(/--learning-rate.*above 0/)
  })

  it('is a temperature without end, before a model is opened', async () => {
    const given = ['--model', '/nowhere', '--prompt', 'x', '--temperature', '1e400']
    expect(await wrong('complete', ...given)).toMatch(/--temperature.*must be a number/)
  })

  it.each(['0', '16', '99', '2.5', 'x', '-1'])('is a draft length of %s: no model is opened', async (given) => {
    const models = ['--model', '/nowhere', '--draft', '/nowhere', '--prompt', 'x']
    expect(await wrong('complete', ...models, '--draft-length', given)).toMatch(/--draft-length.*from 1 to 15/)
    const both = ['--target', '/nowhere', '--draft', '/nowhere', '--prompts', '/nowhere']
    expect(await wrong('evaluate', ...both, '--draft-length', `3,${given}`)).toMatch(/--draft-length.*from 1 to 15/)
  })

  it('is an evaluation whose answers have no room for a drafted token: its α would be of nothing', async () => {
    const given = ['--target', '/nowhere', '--draft', '/nowhere', '--prompts', '/nowhere']
    expect(await wrong('evaluate', ...given, '--max-tokens', '2')).toMatch(/--max-tokens.*at least 3/)
  })

  it('is an input that is given twice: one would be passed over', async () => {
    expect(await wrong('complete', '--model', 'a', '--model', 'b', '--prompt', 'x')).toMatch(
      /--model.*given twice, first as 'a'/,
    )
    expect(await wrong('complete', '--model', 'a', '--prompt', 'x', '--prompt', 'y')).toMatch(/--prompt.*given twice/)
  })
})

it('has every option that other tools have another name for in some command', () => {
  const known = new Set(
    buildProgram(async () => undefined).commands.flatMap(({ options }) => options.map((o) => o.long)),
  )
  for (const flag of ['--gamma', '-m', '-c', '--lr', '--bf16', '--eval-steps', '-np', '-o'])
    for (const name of ofOtherTools(flag)) expect(known).toContain(name)
})

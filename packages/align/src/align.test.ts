import { OutriderError } from '@outrider/tensor'
import { testDevice } from '@outrider/tensor/testing'
import type { LogEntry } from '@outrider/training'
import { type Directory, loadCausalLM, type PretrainedModel, within } from '@outrider/transformer'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Aligned, align } from './align'
import type { AlignEvent } from './stages/run'
import { dearDraft, outcome, planned, questions, tinyTarget } from './tiny-run.fixture'

let target: PretrainedModel
let out: Directory
let straight: Record<string, string>
let aligned: Aligned
const events: AlignEvent[] = []

beforeAll(async () => {
  target = tinyTarget(await testDevice())
  out = await planned(target)
  aligned = await align({ target, out, onEvent: (event) => events.push(event) })
  straight = await outcome(out)
}, 300_000)
afterAll(() => target.dispose())

describe('a run', () => {
  it('goes through the stages in their order, each with what it is for and how far it is', () => {
    const begun = events.flatMap((event) => (event.kind === 'stage' ? [event.stage] : []))
    expect(begun).toEqual(['generate', 'pretrain', 'distill', 'evaluate'])
    for (const label of ['instructions', 'pretrain', 'distill kld', 'distill tvd', 'evaluate']) {
      const shown = events.filter((event) => event.kind === 'progress').filter((event) => event.label === label)
      expect(shown.at(-1), label).toMatchObject({ done: shown[0]!.total, total: shown[0]!.total })
    }
  })

  it('tells what training logs, for curves', () => {
    const logged = events.flatMap((event) => (event.kind === 'log' ? [event] : []))
    const of = (stage: string, phase: number) =>
      logged.filter((event) => event.stage === stage && event.phase === phase).flatMap(({ entries }) => entries)
    const { pretrain, distill } = aligned.results
    const losses = (entries: readonly LogEntry[]) =>
      entries.flatMap(({ step, loss }) => (loss === undefined ? [] : [[step, loss]]))
    expect(losses(of('pretrain', 0))).toEqual(losses(pretrain!.found.history))
    for (const [phase, { history }] of distill!.found.phases.entries()) {
      expect(losses(of('distill', phase))).toEqual(losses(history))
      const measured = history.filter(({ eval_acceptance_rate }) => eval_acceptance_rate !== undefined)
      expect(measured).not.toHaveLength(0)
      for (const entry of measured) expect(of('distill', phase)).toContainEqual(entry)
    }
  })

  it('leaves a draft that loads, the table of answers, a report, and the verdict of what was measured', async () => {
    const draft = await loadCausalLM(out, { device: target.model.device })
    expect(draft.config.vocabularySize).toBe(target.config.vocabularySize)
    draft.dispose()
    expect(await out.size('answers.bin')).toBeGreaterThan(100)
    expect(await out.readText('report.html')).toContain(aligned.verdict!.slice(0, 30))
    const card = await out.readText('README.md')
    expect(card).toContain('| lookup+table+draft | held-out instructions of all tasks | 2 |')
    expect(card).toContain('outrider align --target tiny --out draft --budget 30s --loss kld,tvd --seed 0')
    expect(JSON.parse(await out.readText('generation_config.json'))).toMatchObject({
      num_assistant_tokens: aligned.plan.draftLength,
    })
    expect(aligned.verdict).toMatch(/γ auto, greedy, 2 held-out prompts/)
    expect(aligned.results.evaluate!.found.rows.filter(({ task }) => task === 'all')).toHaveLength(8)
  })

  it('learns nothing from what it is measured on', async () => {
    const asked = async (file: string) =>
      (await out.readText(`align/${file}`))
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { messages: { content: string }[] }).messages[0]!.content)
    const heldOut = await asked('held-out-seeds.jsonl')
    expect(heldOut).toHaveLength(2)
    for (const question of await asked('answers.jsonl')) expect(heldOut).not.toContain(question)
  })

  it('does nothing again once it is done', async () => {
    const again: AlignEvent[] = []
    expect(await align({ target, out, onEvent: (event) => again.push(event) })).toEqual(aligned)
    expect(again.map(({ kind }) => kind)).toEqual(['plan'])
  })
})

describe('a draft as GGUF', () => {
  it('is written where that is asked for, without training again, and from then on with the draft', async () => {
    expect(await out.has('draft.gguf')).toBe(false)
    expect(await align({ target, out, gguf: true })).toEqual({ ...aligned, gguf: 'draft.gguf' })
    const bytes = await out.read('draft.gguf')
    expect(new TextDecoder().decode(bytes.subarray(0, 4))).toBe('GGUF')
    const card = await out.readText('README.md')
    expect(card).toContain('-md draft/draft.gguf --draft-max')
    expect(card).toContain('--seed 0 --gguf')
    expect(card).not.toContain('outrider export')
    await out.write('draft.gguf', 'of an earlier draft')
    expect(await align({ target, out })).toEqual({ ...aligned, gguf: 'draft.gguf' })
    expect(await out.read('draft.gguf')).toEqual(bytes)
  })
})

describe('a run that was stopped', () => {
  it('at any event, goes on to the same data, weights and tokenizer', async () => {
    const other = await planned(target)
    const moments = [3, 9, 14, 17, 22, 25]
    for (const moment of moments) {
      const stop = new AbortController()
      let seen = 0
      const onEvent = () => {
        if (++seen === Math.min(moment, 6)) stop.abort()
      }
      const stopped = align({ target, out: other, signal: stop.signal, onEvent })
      await expect(stopped).rejects.toMatchObject({ code: 'ABORTED' })
    }
    const told: AlignEvent[] = []
    const { results } = await align({ target, out: other, onEvent: (event) => told.push(event) })
    expect(await outcome(other)).toEqual(straight)
    for (const [phase, { history }] of results.distill!.found.phases.entries()) {
      const logged = told.flatMap((event) => (event.kind === 'log' && event.phase === phase ? event.entries : []))
      expect(new Set(logged.map(({ step }) => step)), `phase ${phase}`).toEqual(
        new Set(history.map(({ step }) => step)),
      )
    }
  }, 300_000)

  it('by a full disk, keeps what is done and goes on when there is room', async () => {
    const other = await planned(target)
    let left = 12
    const full: Directory = {
      ...other,
      async write(file, content) {
        if (left-- <= 0) throw new OutriderError('FILE_WRITE', `${file} cannot be written: the disk is full.`)
        await other.write(file, content)
      },
    }
    await expect(align({ target, out: full })).rejects.toMatchObject({ code: 'FILE_WRITE' })
    await align({ target, out: other })
    expect(await outcome(other)).toEqual(straight)
  }, 300_000)
})

describe('a directory', () => {
  it('with the run for another target is refused, and one that was asked for otherwise', async () => {
    const other = tinyTarget(target.model.device, { seed: 4 })
    const refused = (options: Partial<Parameters<typeof align>[0]>) =>
      expect(align({ target, out, ...options })).rejects
    await refused({ target: other }).toMatchObject({ code: 'INVALID_ARGUMENT', message: /another target: tiny/ })
    await refused({ budgetSeconds: 60 }).toMatchObject({ message: /planned for 30 seconds, not 60/ })
    await refused({ losses: ['kld'] }).toMatchObject({ message: /with the loss kld, then tvd, not kld/ })
    await refused({ seeds: questions(3) }).toMatchObject({ message: /other instructions/ })
    other.dispose()
  })

  it('where no draft can pay gets no draft, unless that is asked for', async () => {
    const other = await planned(target, { costs: dearDraft })
    expect(await align({ target, out: other })).toMatchObject({ canPay: false, verdict: null, results: {} })
    expect(await other.has('config.json')).toBe(false)
  })

  it('gets one stage alone where those before it are done, and is told which one is missing', async () => {
    const other = await planned(target)
    await expect(align({ target, out: other, only: 'distill' })).rejects.toMatchObject({
      code: 'FILE_MISSING',
      message: /nothing of the stage generate yet, which distill needs/,
    })
    const { results } = await align({ target, out: other, only: 'generate' })
    expect(Object.keys(results)).toEqual(['generate'])
    expect(await other.has('answers.bin')).toBe(true)
    // What the target said its answers from is there with them: training has it read nothing, and so keeps nothing more.
    const states = within(other, 'align/states')
    const kept = async () => (await Promise.all((await states.folders!()).map((folder) => states.list(folder)))).flat()
    const written = await kept()
    expect(written.length).toBeGreaterThan(1)
    await align({ target, out: other, only: 'pretrain' })
    await align({ target, out: other, only: 'distill' })
    expect(await kept()).toEqual(written)
  })
})

import { fileURLToPath } from 'node:url'
import { testDevice } from '@outrider/tensor/testing'
import { type ChatMessage, loadCausalLM } from '@outrider/transformer'
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { Session } from '../session'
import { chatRoom } from './index'

const folder = fileURLToPath(new URL('../../../../../packages/cli/assets/tiny-chat', import.meta.url))
const question: ChatMessage[] = [{ role: 'user', content: 'Tell me a story.' }]

let session: Session
let room: ReturnType<typeof chatRoom>
beforeEach(async () => {
  session?.target?.dispose()
  session = new Session()
  session.setTarget(await loadCausalLM(folder, { device: await testDevice() }), { kind: 'bundled' })
  room = chatRoom(session)
  room.configure({ maxTokens: 6 })
})
afterAll(() => session.target?.dispose())

/** What was done, the first first. */
const done = () => session.ledger.entries.map(({ stage }) => stage.replace(/\d+/g, 'n')).reverse()
const [compile, read, answer, measure] = [
  'compile for the first answer',
  'read n tokens of the prompt',
  'answer with n tokens in n passes',
  'measure what steps cost',
]
const measured = () => vi.waitFor(() => expect(done()).toContain(measure), { timeout: 60_000, interval: 5 })

describe('the first answer', () => {
  it('comes before it is measured what steps cost, and is followed by figures that know', async () => {
    const before: string[][] = []
    const onFigures = vi.fn()
    room.listen(() => void before.push(done()), onFigures)
    await room.answer(1, question)
    expect(before[0]).toEqual([read])
    expect(before.flat()).not.toContain(measure)
    await vi.waitFor(() => expect(onFigures).toHaveBeenCalledOnce(), { timeout: 60_000, interval: 5 })
    expect(done()).toEqual([read, answer, measure])
    expect(onFigures.mock.calls[0]![0].costRatio).toBe(0)
    await room.answer(2, question)
    await room.stop()
    expect(done()).toEqual([read, answer, measure, read, answer])
  })

  it('waits for nothing that is done ahead of it: that is stopped, and what was not measured is measured behind', async () => {
    const prepared = room.prepare()
    await room.answer(1, question)
    expect(await prepared).toBe(false)
    expect(done().slice(-2)).toEqual([read, answer])
    expect(done()).not.toContain(measure)
    await measured()
  })

  it('finds all compiled where there was time for it, also while it is being measured what steps cost', async () => {
    expect(await room.prepare()).toBe(true)
    expect(done()).toEqual([compile])
    const { device } = session.target!.model
    let first = 0
    const { pipelines } = device.counters
    room.listen(() => {
      first ||= device.counters.pipelines
    })
    await room.answer(1, question)
    expect(first).toBe(pipelines)
    await measured()
    expect(done().filter((stage) => stage === answer)).toHaveLength(1)
  })

  it('is all that is done where it was stopped: no measuring goes on behind it', async () => {
    room.listen(() => void room.stop())
    await room.answer(1, question)
    await room.stop()
    expect(done()).not.toContain(measure)
  })
})

import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { afterSilence } from './after-silence'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

it('calls back when its time is over, and not before, nor when it was ended', () => {
  const call = vi.fn()
  afterSilence(1000, call)
  vi.advanceTimersByTime(999)
  expect(call).not.toHaveBeenCalled()
  vi.advanceTimersByTime(1)
  expect(call).toHaveBeenCalledOnce()
  const ended = vi.fn()
  for (const before of [0, 700]) {
    const end = afterSilence(1000, ended)
    vi.advanceTimersByTime(before)
    end()
    vi.advanceTimersByTime(5000)
  }
  expect(ended).not.toHaveBeenCalled()
})

it('leaves a thread that was busy for longer the time to see what came', () => {
  const call = vi.fn()
  const end = afterSilence(1000, call)
  vi.runOnlyPendingTimers() // all that is due after the busy time; then what came ends the wait
  end()
  vi.runAllTimers()
  expect(call).not.toHaveBeenCalled()
})

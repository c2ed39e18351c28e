import { describe, expect, it } from 'vitest'
import { LossScaler } from './loss-scaler'

describe('the loss scale', () => {
  it('halves with every overflow, counting them, and doubles after enough good steps in a row', () => {
    const scaler = new LossScaler({ initial: 1024, growthInterval: 3 })
    const scales = [false, false, true, false, false, false, true, true, false].map((overflowed) => {
      scaler.update(overflowed)
      return scaler.scale
    })
    expect(scales).toEqual([1024, 1024, 512, 512, 512, 1024, 512, 256, 256])
    expect(scaler.skippedSteps).toBe(3)
  })

  it('goes on from its state as if it had never stopped', () => {
    const run = (interrupted: boolean) => {
      let scaler = new LossScaler({ initial: 8, growthInterval: 4 })
      const scales: number[] = []
      for (let step = 0; step < 20; step++) {
        scaler.update(step % 7 === 3)
        scales.push(scaler.scale)
        if (!interrupted || step !== 9) continue
        const state = JSON.parse(JSON.stringify(scaler.state()))
        scaler = new LossScaler({ initial: 8, growthInterval: 4 })
        scaler.restore(state, 'a test')
      }
      return scales
    }
    expect(run(true)).toEqual(run(false))
  })

  it('gives up where nothing is left to halve, and says what helps', () => {
    const scaler = new LossScaler({ initial: 2 })
    scaler.update(true)
    expect(() => scaler.update(true)).toThrow(/do not fit in half precision.*precision 'f32'/)
  })

  it('refuses what cannot be', () => {
    for (const initial of [0, -2, 3, 0.5, Number.NaN, Number.POSITIVE_INFINITY])
      expect(() => new LossScaler({ initial }), String(initial)).toThrow(/power of two/)
    expect(() => new LossScaler({ growthInterval: 0 })).toThrow(/positive number of steps/)
    for (const state of [undefined, { scale: 0, good_steps: 0, skipped_steps: 0 }, { scale: 2 } as never])
      expect(() => new LossScaler().restore(state, 'checkpoint-3')).toThrow(/checkpoint-3: the state of the loss scale/)
  })
})

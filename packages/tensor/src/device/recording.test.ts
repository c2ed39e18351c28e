import { describe, expect, it } from 'vitest'
import { defineKernel, type ParameterValue } from '../kernel/index'
import { add, concat, multiply } from '../operations/index'
import { testDevice } from '../testing'
import { counter, position } from './advancing'
import { createDevice } from './create-device'
import type { Device } from './device'

const shift = defineKernel({
  name: 'shift',
  source: `struct Params { start: u32, other: u32 }
@group(0) @binding(0) var<storage, read_write> y: array<u32>;
@group(1) @binding(0) var<uniform> params: Params;
@compute @workgroup_size(1) fn main() { y[0] = params.start; y[1] = params.other; }`,
})

describe('a recording', () => {
  it('queues nothing until it is replayed, and computes from what its inputs hold then', async () => {
    const device = await testDevice()
    using x = device.tensor([1, 2, 3])
    const before = device.counters.dispatches
    using recording = device.record(() => multiply(add(x, x), x))
    expect(device.counters.dispatches).toBe(before)
    recording.replay()
    expect(await recording.value.toArray()).toEqual([2, 8, 18])
    x.write(Float32Array.of(4, 5, 6))
    recording.replay()
    expect(await recording.value.toArray()).toEqual([32, 50, 72])
  })

  const recorded = (device: Device, start: ParameterValue, other: ParameterValue) =>
    device.record(() => {
      const y = device.empty([2], 'u32')
      device.run(shift, { bindings: { y }, params: { start, other }, workgroups: [1] })
      return y
    })

  it('advances positions from where they were, and back, and no other parameter', async () => {
    const device = await testDevice()
    using recording = recorded(device, position(10), 7)
    for (const [by, wanted] of [
      [0, 10],
      [5, 15],
      [-3, 7],
    ] as const) {
      recording.replay({ position: by, counter: 100 })
      expect([...(await recording.value.data())]).toEqual([wanted, 7])
    }
  })

  it('carries counters from their low words into their high ones', async () => {
    const device = await testDevice()
    using recording = recorded(device, ...counter(5 * 2 ** 32 - 2).words())
    for (const [by, wanted] of [
      [0, [2 ** 32 - 2, 4]],
      [3, [1, 5]],
      [2 ** 33, [2 ** 32 - 2, 6]],
    ] as const) {
      recording.replay({ position: 9, counter: by })
      expect([...(await recording.value.data())]).toEqual(wanted)
    }
  })

  it('is what it was recorded as where a parameter that could advance runs at once', async () => {
    const device = await testDevice()
    using y = device.empty([2], 'u32')
    device.run(shift, { bindings: { y }, params: { start: position(3), other: counter(8).plus(1) }, workgroups: [1] })
    expect([...(await y.data())]).toEqual([3, 9])
  })

  it('replays copies, clears and uploads in their order', async () => {
    const device = await testDevice()
    using x = device.tensor([1, 2])
    using recording = device.record(() => concat([x, device.tensor([8, 9]), device.zeros([2])]))
    for (const first of [1, 5]) {
      x.write(Float32Array.of(first, 2))
      recording.replay()
      expect(await recording.value.toArray()).toEqual([first, 2, 8, 9, 0, 0])
    }
  })

  it('keeps its memory from everybody else, and gives all of it back', async () => {
    const device = await testDevice()
    using x = device.tensor(new Float32Array(1000).fill(3))
    const { liveBytes, liveBuffers } = device.memory
    const recording = device.record(() => add(multiply(x, x), x))
    recording.replay()
    using other = device.scope(() => add(multiply(x, x), device.full([1000], 1)))
    recording.replay()
    expect((await other.data())[999]).toBe(10)
    expect((await recording.value.data())[999]).toBe(12)
    const view = recording.value.reshape([10, 100])
    recording.dispose()
    recording.dispose()
    expect((await view.data())[5]).toBe(12)
    view.dispose()
    other.dispose()
    expect(device.memory).toMatchObject({ liveBytes, liveBuffers })
    expect(() => recording.replay()).toThrow(/disposed/)
  })

  it('holds what it reads, though its owner lets go', async () => {
    const device = await testDevice()
    const x = device.tensor([2, 3])
    using recording = device.record(() => multiply(x, x))
    x.dispose()
    using other = device.tensor([7, 7])
    recording.replay()
    expect(await recording.value.toArray()).toEqual([4, 9])
    expect(await other.toArray()).toEqual([7, 7])
  })

  it('frees what a failing body made, and records again', async () => {
    const device = await testDevice()
    using x = device.tensor([1, 2])
    const { liveBytes } = device.memory
    const failing = () => {
      add(x, x)
      throw new Error('no')
    }
    expect(() => device.record(failing)).toThrow('no')
    expect(device.memory.liveBytes).toBe(liveBytes)
    using recording = device.record(() => add(x, x))
    recording.replay()
    expect(await recording.value.toArray()).toEqual([2, 4])
  })

  it('is refused inside another, and so is reading', async () => {
    const device = await testDevice()
    using x = device.tensor([1])
    expect(() => device.record(() => device.record(() => add(x, x)))).toThrow(/already running/)
    let reading: Promise<unknown> | undefined
    device.record(() => {
      reading = x.data()
    })
    await expect(reading).rejects.toThrow(/cannot be read/)
  })
})

describe('submissions', () => {
  it('are as many as the device is told to make', async () => {
    const gpu = (await testDevice()).gpu
    for (const [submitEvery, submits] of [
      [100, 1],
      [4, 5],
    ] as const) {
      using device = await createDevice({ device: gpu, submitEvery })
      using x = device.tensor([1])
      device.flush()
      const before = device.counters.submits
      device.scope(() => {
        for (let i = 0; i < 20; i++) add(x, x)
      })
      device.flush()
      expect(device.counters.submits - before).toBe(submits)
    }
  })

  it('runs kernels on a condition where the device has it, and what comes before and after in any case', async () => {
    const device = await testDevice()
    using x = device.tensor([1, 2, 3])
    using condition = device.tensor(Uint32Array.of(1))
    const live = device.memory.liveBuffers
    const recording = device.record(() => {
      const before = add(x, x)
      // Memory that is free again within the body serves the next kernel, and not the condition.
      const inside = device.when(condition, () => device.scope(() => add(multiply(before, x), multiply(x, x))))
      return { before, inside, after: add(x, before) }
    })
    const replayed = async (value: number, numbers: number[]) => {
      x.write(Float32Array.from(numbers))
      condition.write(Uint32Array.of(value))
      recording.replay()
      const { before, inside, after } = recording.value
      return [await before.toArray(), await inside.toArray(), await after.toArray()]
    }
    expect(await replayed(1, [1, 2, 3])).toEqual([
      [2, 4, 6],
      [3, 12, 27],
      [3, 6, 9],
    ])
    expect(await replayed(0, [4, 5, 6])).toEqual([
      [8, 10, 12],
      [3, 12, 27],
      [12, 15, 18],
    ])
    expect(await replayed(7, [1, 1, 1])).toEqual([
      [2, 2, 2],
      [3, 3, 3],
      [3, 3, 3],
    ])
    recording.dispose()
    expect(device.memory.liveBuffers).toBe(live)
  })

  it('has no conditions where nothing is recorded', async () => {
    const device = await testDevice()
    using condition = device.tensor(Uint32Array.of(0))
    using x = device.tensor([1, 2])
    using y = device.when(condition, () => add(x, x))
    expect(await y.toArray()).toEqual([2, 4])
  })
})

import { likeGpu, testDevice } from '@outrider/tensor/testing'
import { describe, expect, it } from 'vitest'
import type { Row } from '../suite'
import { gpuPlan } from './settings'
import { gpuContext } from './step'
import { gpuSteps } from './steps/index'

describe('the suite for GPUs', () => {
  it.each(['copy', 'attention', 'decode-q4_0', 'speculation', 'training'])(
    'measures %s at tiny shapes on a software adapter, each result as its reference',
    async (name) => {
      // Kernels for GPUs are seen where there is no software adapter to choose others.
      const device = name === 'attention' ? await likeGpu() : await testDevice()
      const before = device.memory.liveBytes
      const rows: Row[] = []
      const { settings } = gpuPlan({ size: 'tiny', 'draft-length': '2' })
      await gpuSteps.find((step) => step.name === name)!.run(gpuContext(device, settings, (row) => rows.push(row)))
      expect(rows.length).toBeGreaterThan(1)
      expect(rows.filter(({ wrong }) => wrong !== undefined)).toEqual([])
      for (const row of rows) if (!row.skipped) expect(row.ms).toBeGreaterThan(0)
      // Some words a device keeps for good.
      expect(device.memory.liveBytes - before).toBeLessThan(1024)
      if (name === 'attention') {
        expect(rows.map(({ kernel }) => kernel)).toEqual(expect.arrayContaining(['chosen', 'flash', 'shared']))
        device.dispose()
      }
    },
  )

  it('has a first layer that drafts the better, the less the others add', async () => {
    const device = await testDevice()
    const tau = async (damp: string) => {
      const rows: Row[] = []
      const { settings } = gpuPlan({ size: 'tiny', dtype: 'f32', damp })
      await gpuSteps
        .find(({ name }) => name === 'speculation')!
        .run(gpuContext(device, settings, (row) => rows.push(row)))
      return rows[0]!.tau
    }
    expect(await tau('0')).toBe(3.75) // 15 tokens in blocks of four
    expect(await tau('1')).toBeLessThan(3)
  })

  it('says which settings there are, and refuses others', () => {
    expect(gpuPlan({}).settings).toEqual({ size: '1.1B', dtype: 'f16', draftLength: 3, damp: 0.05 })
    expect(gpuPlan({ steps: 'copy,linear', seconds: '90' })).toMatchObject({ steps: ['copy', 'linear'], seconds: 90 })
    expect(() => gpuPlan({ size: '70B' })).toThrow('size is "70B"; it is one of tiny, 1.1B, 7B.')
    expect(() => gpuPlan({ 'draft-length': '16' })).toThrow('from 1 to 15')
    expect(() => gpuPlan({ colour: 'red' })).toThrow('no setting "colour"')
  })
})

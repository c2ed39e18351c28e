import { runInBrowser } from '@outrider/browser'
import { expectAllClose, testDevice } from '@outrider/tensor/testing'
import { expect, it } from 'vitest'
import wholeRoad, { type WholeRoad } from './whole-road.fixture'

it('every library works in a real browser, and gives there what it gives in Node', async () => {
  const inBrowser = await runInBrowser<WholeRoad>(new URL('./whole-road.fixture.ts', import.meta.url).pathname)
  expect(inBrowser.losses).toHaveLength(4)
  expect(inBrowser.losses[3]).toBeLessThan(inBrowser.losses[0]!)
  expect(inBrowser.speculative).toEqual(inBrowser.plain)
  expect(inBrowser.reloaded).toEqual(inBrowser.draft)
  expect(inBrowser.leakedBytes).toBe(0)

  const inNode = await wholeRoad(undefined, await testDevice())
  expectAllClose(inBrowser.losses, inNode.losses, { absolute: 1e-4, relative: 1e-4 })
  expect(inNode.speculative).toEqual(inNode.plain)
})

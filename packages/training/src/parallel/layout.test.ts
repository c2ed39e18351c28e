import { toBatch } from '@outrider/dataset'
import { expect, it } from 'vitest'
import { parallelLayout } from './layout'

it('puts masks behind the tokens of their row, each at its place of the text and in sight of its own group', () => {
  const batch = toBatch([
    { tokens: [5, 6, 7, 8, 9], lossMask: [0, 1, 1, 1, 1] },
    { tokens: [1, 2], lossMask: [1, 1] },
  ])
  const { length: own, tokens, lossMask } = batch
  const groups = [
    [
      { anchor: 0, masks: 2 },
      { anchor: 2, masks: 1 },
    ],
    [],
  ]
  const layout = parallelLayout(batch, groups, 99)
  expect(layout.length).toBe(own + 8)
  const at = (row: number, place: number) => row * layout.length + place
  for (const [row, place] of [
    [0, 3],
    [1, 1],
  ] as const) {
    expect(layout.tokens[at(row, place)]).toBe(tokens[row * own + place])
    expect(layout.lossMask[at(row, place)]).toBe(lossMask[row * own + place])
    expect(layout.places[at(row, place)]).toBe(row * own + place)
    expect(layout.before[at(row, place)]).toBe(at(row, place))
    expect([...layout.visibility.subarray(3 * at(row, place), 3 * at(row, place) + 3)]).toEqual([place + 1, 0, 0])
  }
  const masks = [own, own + 1, own + 2].map((place) => ({
    token: layout.tokens[place],
    position: layout.positions[place],
    place: layout.places[place],
    masks: layout.masks[place],
    before: layout.before[place],
    counts: layout.lossMask[place],
    visibility: [...layout.visibility.subarray(3 * place, 3 * place + 3)],
  }))
  const [token, counts] = [99, 1]
  expect(masks).toEqual([
    { token, counts, position: 1, place: 1, masks: 1, before: 0, visibility: [1, own, 0b1] },
    { token, counts, position: 2, place: 2, masks: 2, before: own, visibility: [1, own, 0b11] },
    { token, counts, position: 3, place: 3, masks: 1, before: 2, visibility: [3, own + 2, 0b1] },
  ])
  // What fills up counts nowhere.
  const filling = [own + 3, at(1, own)].flatMap((begin, row) => [
    ...layout.lossMask.subarray(begin, (row + 1) * layout.length),
  ])
  expect(filling).toEqual(new Array(5 + 8).fill(0))
})

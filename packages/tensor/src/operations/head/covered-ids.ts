import { differentiable } from '../../autograd/tape'
import { ShapeError } from '../../errors'
import { defineKernel, linearWorkgroups } from '../../kernel/index'
import type { Tensor } from '../../tensor'
import { noToken } from '../reduce/no-logit'
import source from './covered-ids.wgsl'
import placesSource from './covered-places.wgsl'
import tokensSource from './covered-tokens.wgsl'
import fillSource from './fill.wgsl'

/** Some ids of a vocabulary: what a head that is trimmed to frequent tokens can say. */
export interface CoveredIds {
  /** u32 [rows of the head], each id once. */
  ids: Tensor
  /** Of the whole vocabulary. */
  vocabularySize: number
}

const kernel = defineKernel({ name: 'coveredIds', source, constants: ['SPREAD'] })
const fillKernel = defineKernel({ name: 'fill', source: fillSource })
const placesKernel = defineKernel({ name: 'coveredPlaces', source: placesSource })
const tokensKernel = defineKernel({ name: 'coveredTokens', source: tokensSource })

/**
 * Logits of covered ids as logits of all of them: −∞ where an id is not covered. Differentiable.
 *
 * @param logits  f32 [..., covered]
 * @returns f32 [..., vocabulary]
 */
export function overVocabulary(logits: Tensor, { ids, vocabularySize }: CoveredIds): Tensor {
  const y = spread(logits, ids, vocabularySize, minusInfinity)
  return differentiable(y, { name: 'overVocabulary', inputs: [logits], gradient: (dy) => [() => picked(dy, ids)] })
}

/**
 * The columns of covered ids. Differentiable.
 *
 * @param x  f32 [..., columns]
 * @returns f32 [..., covered]
 */
export function ofCovered(x: Tensor, ids: Tensor): Tensor {
  const columns = x.shape.at(-1)!
  const gradient = (dy: Tensor) => spread(dy, ids, columns, zero)
  return differentiable(picked(x, ids), { name: 'ofCovered', inputs: [x], gradient: (dy) => [() => gradient(dy)] })
}

/**
 * Where tokens are among the covered ids; 2³² − 1, which is no token, for those that are not.
 *
 * @param tokens  u32 [n]
 * @returns u32 [n]
 */
export function coveredPlaces(tokens: Tensor, ids: Tensor): Tensor {
  const y = tokens.device.empty(tokens.shape, 'u32')
  tokens.device.run(placesKernel, {
    bindings: { x: tokens, ids, y },
    params: { rows: tokens.size, covered: ids.size, none: noToken },
    workgroups: linearWorkgroups(Math.ceil(tokens.size / 64)),
  })
  return y
}

/**
 * The tokens at places among the covered ids; 2³² − 1, which is no token, where there is none.
 *
 * @param places  u32 [n]
 * @returns u32 [n]
 */
export function coveredTokens(places: Tensor, ids: Tensor): Tensor {
  const y = places.device.empty(places.shape, 'u32')
  places.device.run(tokensKernel, {
    bindings: { x: places, ids, y },
    params: { count: places.size, covered: ids.size },
    workgroups: linearWorkgroups(Math.ceil(places.size / 64)),
  })
  return y
}

/**
 * Writes columns to where their ids are in rows over the vocabulary; the other columns are left as they are.
 *
 * @param x  f32 [..., covered]
 * @param y  f32 [..., vocabulary], of as many rows
 */
export function writeCovered(x: Tensor, ids: Tensor, y: Tensor): void {
  move(x, ids, y, { count: x.size, columns: y.shape.at(-1)!, spread: true })
}

/** The bits of −∞, and of 0. */
const [minusInfinity, zero] = [0xff800000, 0]

function picked(x: Tensor, ids: Tensor): Tensor {
  const y = x.device.zeros([...x.shape.slice(0, -1), ids.size])
  move(x, ids, y, { count: y.size, columns: x.shape.at(-1)!, spread: false })
  return y
}

function spread(x: Tensor, ids: Tensor, columns: number, rest: number): Tensor {
  if (x.shape.at(-1) !== ids.size) throw new ShapeError('coveredIds', [x.shape, ids.shape], 'one id a column is needed')
  const y = x.device.empty([...x.shape.slice(0, -1), columns])
  // On the device, so that a recorded step does it again.
  x.device.run(fillKernel, {
    bindings: { y },
    params: { count: y.size, bits: rest },
    workgroups: linearWorkgroups(Math.ceil(y.size / 64)),
  })
  move(x, ids, y, { count: x.size, columns, spread: true })
  return y
}

function move(
  x: Tensor,
  ids: Tensor,
  y: Tensor,
  { count, columns, spread }: { count: number; columns: number; spread: boolean },
): void {
  x.device.run(kernel, {
    bindings: { x, ids, y },
    params: { count, covered: ids.size, columns },
    constants: { SPREAD: spread },
    workgroups: linearWorkgroups(Math.ceil(count / 64)),
  })
}

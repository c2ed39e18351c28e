import { OutriderError } from '../../errors'
import type { KernelDefinition, KernelPart } from '../../kernel/index'
import { defineStartKernel, type StartKernel } from '../starts'
import frequency from './frequency.wgsl'
import rotation from './rotation.wgsl'

const angles: KernelPart = {
  name: 'angles',
  provides: ['Frequency', 'highProduct', 'cosineAndSine'],
  text: rotation + frequency,
}

const provides = ['placeOf', 'pairOf', 'turnOf', 'turned']

/**
 * What becomes of a pair of elements of a head:
 *
 * - `placeOf(pair) -> vec2u`: where the first is in its head, and how much further on the second
 * - `pairOf(element) -> vec2u`: the pair that an element of a head is of, and 0 for its first or 1 for its second
 * - `turnOf(pair, position) -> vec2f`: what it is turned by, (cos, sin)
 * - `turned(x, turn, pair) -> vec2f`: the pair afterwards
 */
const wholeHeads: KernelPart = {
  name: 'wholeHeads',
  provides,
  uses: [angles],
  text: `fn placeOf(pair: u32) -> vec2u { return vec2u(pair, params.pairs); }
fn pairOf(element: u32) -> vec2u {
  let second = u32(element >= params.pairs);
  return vec2u(element - second * params.pairs, second);
}
fn turnOf(pair: u32, position: u32) -> vec2f { return cosineAndSine(position, frequencies[pair]); }
fn turned(x: vec2f, turn: vec2f, pair: u32) -> vec2f {
  return vec2f(x.x * turn.x - x.y * turn.y, x.y * turn.x + x.x * turn.y);
}`,
}

/** The same where the first pairs alone are turned, or what is turned is multiplied by a magnitude; the rest stays as it is. */
const partialHeads: KernelPart = {
  name: 'partialHeads',
  provides,
  uses: [angles],
  fields: ['turnedPairs: u32', 'magnitude: f32'],
  text: `fn placeOf(pair: u32) -> vec2u {
  let n = params.turnedPairs;
  return select(vec2u(pair + n, params.pairs - n), vec2u(pair, n), pair < n);
}
fn pairOf(element: u32) -> vec2u {
  let n = params.turnedPairs;
  let second = u32(element >= select(params.pairs + n, n, element < 2u * n));
  // Behind those that are turned, first ones are n further on than their pair, second ones as many as there are pairs.
  let turned = vec2u(element - second * n, second);
  return select(vec2u(element - select(n, params.pairs, second == 1u), second), turned, element < 2u * n);
}
fn turnOf(pair: u32, position: u32) -> vec2f {
  return params.magnitude * cosineAndSine(position, frequencies[min(pair, params.turnedPairs - 1u)]);
}
fn turned(x: vec2f, turn: vec2f, pair: u32) -> vec2f {
  if (pair >= params.turnedPairs) { return x; }
  return vec2f(x.x * turn.x - x.y * turn.y, x.y * turn.x + x.x * turn.y);
}`,
}

/** A kernel that turns, in both forms. */
export interface TurningKernel {
  whole: StartKernel
  partial: StartKernel
}

/** Its WGSL binds `frequencies` and has `pairs: u32` in Params: those of a head, turned or not. */
export const defineTurningKernel = ({ uses = [], ...definition }: KernelDefinition): TurningKernel => ({
  whole: defineStartKernel({ ...definition, uses: [...uses, wholeHeads] }),
  partial: defineStartKernel({ ...definition, uses: [...uses, partialHeads] }),
})

/** The form and the parameters for heads of `pairs`, of which the first `turnedPairs` are turned. */
export function turningRun(
  operation: string,
  { whole, partial }: TurningKernel,
  { pairs, turnedPairs, magnitude }: { pairs: number; turnedPairs: number; magnitude: number },
): { kernels: StartKernel; params: Record<string, number> } {
  if (!Number.isFinite(magnitude))
    throw new OutriderError('INVALID_ARGUMENT', `${operation}: magnitude is ${magnitude}; it must be a number.`)
  if (turnedPairs === pairs && magnitude === 1) return { kernels: whole, params: { pairs } }
  return { kernels: partial, params: { pairs, turnedPairs, magnitude } }
}

import { OutriderError, ShapeError } from './errors'

export type Shape = readonly number[]

export type NestedArray = number | readonly NestedArray[]

export const sizeOf = (shape: Shape): number => shape.reduce((product, dimension) => product * dimension, 1)

export const sameShape = (a: Shape, b: Shape): boolean => a.length === b.length && a.every((d, i) => d === b[i])

/** Throws unless every dimension is a positive integer, and the elements can be counted, in bytes too. */
export function checkShape(operation: string, shape: Shape): void {
  if (!shape.every((dimension) => Number.isInteger(dimension) && dimension > 0))
    throw new ShapeError(operation, [shape], 'every dimension must be a positive integer')
  if (sizeOf(shape) > Number.MAX_SAFE_INTEGER / 16)
    throw new ShapeError(operation, [shape], 'the elements are more than can be counted')
}

/** Row-major strides. */
export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length)
  let stride = 1
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride
    stride *= shape[axis]!
  }
  return strides
}

/** The shape to which two shapes broadcast (NumPy's rule: trailing dimensions equal, or one of them 1). */
export function broadcastShapes(operation: string, a: Shape, b: Shape): number[] {
  const rank = Math.max(a.length, b.length)
  return Array.from({ length: rank }, (_, i) => {
    const da = a[a.length - rank + i] ?? 1
    const db = b[b.length - rank + i] ?? 1
    if (da !== db && da !== 1 && db !== 1) throw new ShapeError(operation, [a, b], 'shapes do not broadcast')
    return Math.max(da, db)
  })
}

/** An axis counted from the front; negative axes count from the back. */
export function normalizeAxis(operation: string, axis: number, shape: Shape): number {
  const normalized = axis < 0 ? axis + shape.length : axis
  if (Number.isInteger(normalized) && normalized >= 0 && normalized < shape.length) return normalized
  throw new ShapeError(operation, [shape], `axis ${axis} does not exist`)
}

/** Shape and values of nested arrays; throws where rows differ in length. */
export function flattenNested(data: NestedArray): { shape: number[]; values: number[] } {
  const shape: number[] = []
  for (let level: NestedArray = data; typeof level !== 'number'; level = level[0]!) {
    shape.push(level.length)
    if (level.length === 0) break
  }
  const values: number[] = []
  const visit = (level: NestedArray, depth: number): void => {
    if (typeof level === 'number') {
      if (depth !== shape.length) throw ragged()
      values.push(level)
      return
    }
    if (level.length !== shape[depth]) throw ragged()
    for (const item of level) visit(item, depth + 1)
  }
  visit(data, 0)
  return { shape, values }
}

const ragged = () =>
  new OutriderError('INVALID_ARGUMENT', 'device.tensor: nested arrays differ in length.', {
    remedy: 'Give every row the same number of elements.',
  })

/** Values in row-major order, nested to a shape. */
export function nest(values: ArrayLike<number>, shape: Shape): NestedArray {
  let offset = 0
  const build = (depth: number): NestedArray => {
    if (depth === shape.length) return values[offset++]!
    return Array.from({ length: shape[depth]! }, () => build(depth + 1))
  }
  return build(0)
}

import { spanElements } from '../../formats/blocks'
import { formats } from '../../formats/index'
import type { KernelDefinition } from '../../kernel/index'
import { each } from '../each'
import { type LinearForm, linearFrame } from './linear-frame'

/** Elements of k that a kernel `spans` takes at a time: whole blocks of the formats that share a scale between 32. */
export const spanSize = 32

/**
 * WGSL of a linear layer, c = a · bᵀ, for a CPU that plays the GPU, where a workgroup is a subgroup of one known size, `lanes`,
 * and what a lane loads for itself costs more than what it computes. Each lane reads columns of its own, and of them 32 elements
 * at a time, a span: words by fours, and what they share once. Operands: linear-frame.ts.
 *
 * A workgroup computes `rows` × `columns` · `lanes` elements of c, the columns of a lane `lanes` apart. A span is taken in turns of
 * `size` elements, whose values of a the lanes load by vectors of four between them and hand round: vector row · quads + quad is
 * one of lane (row · quads + quad) % lanes. With many rows turns are short and a loop: code that does not fit into a CPU's caches
 * is slow.
 *
 * An element is a sum over k in order, eight products and then times what these share; so a row's result does not depend on how
 * many rows there are. Nor do the squares of a normalised row, which are added up apart for the eight vectors of a span. Tiles
 * past the edge read the last row or column again and write nothing. Workgroups in a line, columns fastest, folded over x and y.
 */
export function spansSource(form: LinearForm, lanes: number): Omit<KernelDefinition, 'name'> {
  const { rows, columns, normed, format } = form
  const { weights, uses, declarations, tile, store } = linearFrame(form, {
    xVectorSize: 4,
    weightPart: spanElements,
  })
  const size = Math.min(4 * lanes, rows === 1 ? 32 : rows <= 6 ? 16 : 8)
  const turns = spanSize / size
  const quads = size / 4
  const held = Math.ceil((rows * quads) / lanes)
  const handed = (name: (h: number) => string, value: number) =>
    `subgroupBroadcast(${name(Math.floor(value / lanes))}, ${value % lanes}u)`
  const scaled = (h: number) => (normed ? `scaled${h}` : `held${h}`)

  /** What a weight's columns have of a span: `before` its turns, by each `piece` of eight in one, and `after` them. */
  const spanOf = (weight: 'b' | 'up') => {
    const { words, span } = formats[format![weight]!].device
    const word = (j: number, i: number) => `${weight}Word${j}_${i}`
    const used = (size / 8) * words
    const rest = 4 * words - used
    return {
      before: each(
        columns,
        (j) => `let ${weight}Line${j} = line_${weight}(${weight}${j} + span);
    ${each(words, (v) => `let ${weight}Four${j}_${v} = ${weight}[(${weight}${j} + span) * ${words}u + ${v}u];`)}
    ${each(4 * words, (i) => `var ${word(j, i)} = ${weight}Four${j}_${i >> 2}.${'xyzw'[i & 3]};`)}`,
      ),
      piece: (j: number, p: number) => {
        const words8 = Array.from({ length: words }, (_, i) => word(j, p * words + i))
        return `{
        ${each(8, (n) => `let v${n} = ${span!.quant(words8, n)};\n        ${each(rows, (i) => `${n === 0 ? `var p${i} =` : `p${i} +=`} x${i}_${8 * p + n} * v${n};`)}`)}
        ${each(rows, (i) => `${weight}_${i}_${j} += ${weight}Line${j}.x * p${i};`)}
      }`
      },
      /** The words of the next turn come first. */
      next: (j: number) =>
        rest === 0
          ? ''
          : `{
        ${each(used, (i) => `let word${i} = ${word(j, i)};`)}
        ${each(rest, (i) => `${word(j, i)} = ${word(j, i + used)};`)}
        ${each(used, (i) => `${word(j, rest + i)} = word${i};`)}
      }`,
      after: span!.least
        ? each(columns, (j) => each(rows, (i) => `${weight}_${i}_${j} += ${weight}Line${j}.y * sum${i};`))
        : '',
    }
  }
  const spans = weights.map(spanOf)
  const summed = spans.some(({ after }) => after !== '')

  const source = `enable subgroups;
${declarations}
@compute @workgroup_size(${lanes})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let number = group.x + group.y * groups.x;
  if (number >= params.tiles) { return; }
  let row = (number / params.tilesAcross) * ${rows}u;
  let edge = (number % params.tilesAcross) * ${columns * lanes}u + lane;
  let column = params.first + edge;
  let quad = lane % ${quads}u;
  ${each(held, (h) => `let row${h} = min(row + (lane + ${h * lanes}u) / ${quads}u, params.m - 1u) * params.k * 8u + quad;`)}
  ${weights.map((weight) => each(columns, (j) => `let ${weight}${j} = min(edge + ${j * lanes}u, params.n - 1u) * params.k;`)).join('\n  ')}
  ${tile((weight, i, j) => `var ${weight}_${i}_${j} = 0.0;`)}
  ${normed ? each(held, (h) => each(turns, (t) => `var squares${h}_${t} = 0.0;`)) : ''}
  for (var span = 0u; span < params.k; span++) {
    ${spans.map(({ before }) => before).join('\n    ')}
    ${summed ? each(rows, (i) => `var sum${i} = 0.0;`) : ''}
    for (var turn = 0u; turn < ${turns}u; turn++) {
      let k = span * 8u + turn * ${quads}u;
      ${normed ? `let g = ${form.offset === 0 ? '' : `vec4f(${form.offset}) + `}load_gain(k + quad);` : ''}
      ${each(held, (h) => `let held${h} = load_a(row${h} + k);`)}
      ${
        normed
          ? each(
              held,
              (h) => `let square${h} = squares${h}_0 + dot(held${h}, held${h});
      ${each(turns - 1, (t) => `squares${h}_${t} = squares${h}_${t + 1};`)}
      squares${h}_${turns - 1} = square${h};
      let scaled${h} = held${h} * g;`,
            )
          : ''
      }
      ${each(rows, (i) => each(size, (e) => `let x${i}_${e} = ${handed((h) => `${scaled(h)}.${'xyzw'[e & 3]}`, i * quads + (e >> 2))};`))}
      ${
        summed
          ? each(rows, (i) =>
              each(
                quads,
                (q) => `sum${i} += (x${i}_${4 * q} + x${i}_${4 * q + 1}) + (x${i}_${4 * q + 2} + x${i}_${4 * q + 3});`,
              ),
            )
          : ''
      }
      ${spans.map(({ piece, next }) => each(columns, (j) => `${each(size / 8, (p) => piece(j, p))}\n      ${next(j)}`)).join('\n      ')}
    }
    ${spans.map(({ after }) => after).join('\n    ')}
  }
  ${
    normed
      ? each(rows, (i) => {
          const square = (q: number) => handed((h) => `squares${h}_${Math.floor(q / quads)}`, i * quads + (q % quads))
          const total = Array.from({ length: 8 }, (_, q) => square(q)).join(' + ')
          return `let scaleOf${i} = inverseSqrt((${total}) / f32(${spanSize}u * params.k) + params.epsilon);`
        })
      : ''
  }
  ${normed ? tile((weight, i, j) => `${weight}_${i}_${j} *= scaleOf${i};`) : ''}
  ${each(rows, (i) => store(i, (j) => j * lanes))}
}`
  return { source, uses }
}

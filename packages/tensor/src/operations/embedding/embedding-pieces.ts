import type { FormatName } from '../../formats/index'
import { pieceReader, pieceType } from '../../formats/piece-reader'
import { generatedKernel, type Kernel } from '../../kernel'

/**
 * What embedding-rows.wgsl does, from a table in a format of weights: an invocation reads eight elements of a row. Its params
 * count eights where those of the other count elements.
 */
export const embeddingPieces = (format: FormatName): Kernel =>
  generatedKernel(`embedding-${format}`, () => piecesSource(format))

function piecesSource(format: FormatName): string {
  const { declarations, fields, source } = pieceReader('table', format)
  const bindings = [
    ...declarations,
    'var<storage, read> ids: array<u32>',
    'var<storage, read_write> y: array<vec4f>',
  ].map((declaration, i) => `@group(0) @binding(${i}) ${declaration};`)
  return `struct Params { ${['count', 'columns', 'vocabulary', 'first', 'partRows'].map((name) => `${name}: u32`).join(', ')}${fields.map((field) => `, ${field}`).join('')} }
${bindings.join('\n')}
@group(1) @binding(0) var<uniform> params: Params;

${pieceType}
${source}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (group.x + group.y * groups.x) * 64u + lane;
  if (i >= params.count) { return; }
  let row = min(ids[i / params.columns], params.vocabulary - 1u) - params.first;
  if (row >= params.partRows) { return; }
  let piece = tablePiece(row * params.columns + i % params.columns);
  y[2u * i] = piece.low;
  y[2u * i + 1u] = piece.high;
}`
}

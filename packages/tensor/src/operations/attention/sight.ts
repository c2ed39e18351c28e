/**
 * WGSL of which keys a row sees, the one place that says it: those up to its own position and no further back than the window,
 * or, where `given`, what the tensor `visibility` says (attention.ts).
 *
 * - `sightOf(batch, rows, low, high) -> Sight`: of four rows, among the keys low … high − 1
 * - `sightOfRow(batch, row) -> Sight`: of one row among all keys, four times over
 * - `sees(sight, keys) -> vec4<bool>`: whether each of the rows sees the key of its component
 * - `beginOf(sight)`, `endOf(sight)`, `tileAfter(sight, tile, size)`: a pass over the tiles that hold all keys any row sees
 * - `totalOf(total) -> vec4f`: what sums over a row's keys are divided by
 * - `rowsSeeing(batch, key) -> Rows`: for the keys' gradient, the rows that may see any of four keys
 */
export const sightSource = (given: boolean): string => (given ? givenSight : causalSight)

const causalSight = `
struct Sight { begins: vec4u, ends: vec4u }
fn sightOf(batch: u32, rows: vec4u, low: u32, high: u32) -> Sight {
  let positions = startOf(batch) + rows;
  let last = min(positions + 1u, vec4u(params.keys));
  // Never none of the keys before the last.
  let begins = min(max(positions + 1u, vec4u(params.window)) - params.window, last - 1u);
  return Sight(max(begins, vec4u(low)), min(last, vec4u(high)));
}
fn sightOfRow(batch: u32, row: u32) -> Sight { return sightOf(batch, vec4u(row), 0u, params.keys); }
fn sees(sight: Sight, keys: vec4u) -> vec4<bool> { return (keys >= sight.begins) & (keys < sight.ends); }
fn beginOf(sight: Sight) -> u32 { return sight.begins.x; }
fn endOf(sight: Sight) -> u32 { return sight.ends.w; }
fn tileAfter(sight: Sight, tile: u32, size: u32) -> u32 { return tile + size; }
fn totalOf(total: vec4f) -> vec4f { return total; }

struct Rows { begin: u32, end: u32 }
fn rowsSeeing(batch: u32, key: u32) -> Rows {
  let start = startOf(batch);
  return Rows(max(key, start) - start, min(max(key + 3u + params.window, start) - start, params.rows));
}`

const givenSight = `
/** Of a prefix the keys from begins to ends, and of up to 32 from groups on those whose bits are set. */
struct Sight { begins: vec4u, ends: vec4u, groups: vec4u, bits: vec4u, high: u32 }

/** The same of one row: begin, end, group, bits. */
fn rowSight(batch: u32, row: u32, low: u32, high: u32) -> vec4u {
  let at = (batch * params.rows + row) * 3u;
  let start = startOf(batch);
  let end = start + visibility[at];
  let group = start + visibility[at + 1u];
  var bits = visibility[at + 2u];
  let seen = end + countOneBits(bits);
  let begin = max(seen, params.window) - params.window;
  for (var many = countOneBits(bits); many > params.window; many--) { bits &= bits - 1u; }
  let skipped = min(max(low, group) - group, 32u);
  let kept = max(min(max(high, group) - group, 32u), skipped) - skipped;
  return vec4u(clamp(begin, low, high), clamp(end, low, high), group, extractBits(bits, skipped, kept) << (skipped & 31u));
}
fn sightOf(batch: u32, rows: vec4u, low: u32, past: u32) -> Sight {
  let high = max(low, min(past, params.keys));
  let x = rowSight(batch, rows.x, low, high);
  let y = rowSight(batch, rows.y, low, high);
  let z = rowSight(batch, rows.z, low, high);
  let w = rowSight(batch, rows.w, low, high);
  return Sight(
    vec4u(x[0], y[0], z[0], w[0]), vec4u(x[1], y[1], z[1], w[1]), vec4u(x[2], y[2], z[2], w[2]), vec4u(x[3], y[3], z[3], w[3]),
    high,
  );
}
fn sightOfRow(batch: u32, row: u32) -> Sight {
  let one = rowSight(batch, row, 0u, params.keys);
  return Sight(vec4u(one[0]), vec4u(one[1]), vec4u(one[2]), vec4u(one[3]), params.keys);
}
fn sees(sight: Sight, keys: vec4u) -> vec4<bool> {
  let place = keys - sight.groups; // far beyond 32 before the group
  let inGroup = (place < vec4u(32u)) & (((sight.bits >> (place & vec4u(31u))) & vec4u(1u)) == vec4u(1u));
  return ((keys >= sight.begins) & (keys < sight.ends)) | inGroup;
}
fn smallest(x: vec4u) -> u32 { return min(min(x.x, x.y), min(x.z, x.w)); }
fn greatest(x: vec4u) -> u32 { return max(max(x.x, x.y), max(x.z, x.w)); }
/** The first key of a group that any row sees. */
fn groupBegin(sight: Sight) -> u32 {
  return smallest(select(vec4u(sight.high), sight.groups + firstTrailingBit(sight.bits), sight.bits != vec4u()));
}
fn prefixEnd(sight: Sight) -> u32 { return greatest(select(vec4u(), sight.ends, sight.begins < sight.ends)); }
fn beginOf(sight: Sight) -> u32 {
  return min(groupBegin(sight), smallest(select(vec4u(sight.high), sight.begins, sight.begins < sight.ends)));
}
fn endOf(sight: Sight) -> u32 {
  return max(prefixEnd(sight), greatest(select(vec4u(), sight.groups + firstLeadingBit(sight.bits) + 1u, sight.bits != vec4u())));
}
/** Between the prefix and the groups there may be many keys that no row sees. */
fn tileAfter(sight: Sight, tile: u32, size: u32) -> u32 {
  let next = tile + size;
  return select(next, max(next, groupBegin(sight) / size * size), next >= prefixEnd(sight));
}
/** A row that sees nothing gets zeros. */
fn totalOf(total: vec4f) -> vec4f { return select(total, vec4f(1.0), total == vec4f()); }

struct Rows { begin: u32, end: u32 }
/** As found before, behind the rows' visibility (seers.wgsl). */
fn rowsSeeing(batch: u32, key: u32) -> Rows {
  let blocks = (params.keys + 3u) / 4u;
  let at = params.batch * params.rows * 3u + (batch * blocks + key / 4u) * 2u;
  return Rows(visibility[at], visibility[at + 1u]);
}`

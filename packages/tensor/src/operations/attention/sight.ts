/** WGSL of which keys a row sees, the one place that says it: those up to its own position, and no further back than the window. */
export const sightSource = `
/** The keys that four rows see of a part, from and to. */
struct Sight { begins: vec4u, ends: vec4u }
fn sightOf(batch: u32, part: u32, rows: vec4u) -> Sight {
  let positions = startOf(batch) + rows;
  let last = min(positions + 1u, vec4u(params.keys));
  // Never none of the keys before the last.
  let begins = min(max(positions + 1u, vec4u(params.window)) - params.window, last - 1u);
  return Sight(max(begins, vec4u(part * params.span)), min(last, vec4u((part + 1u) * params.span)));
}

/** Whether each of the rows sees the key of its component. */
fn sees(sight: Sight, keys: vec4u) -> vec4<bool> { return (keys >= sight.begins) & (keys < sight.ends); }

/** The keys that any of the rows sees; rows come in order. */
fn beginOf(sight: Sight) -> u32 { return sight.begins.x; }
fn endOf(sight: Sight) -> u32 { return sight.ends.w; }

/** The rows that may see any of four keys. */
struct Rows { begin: u32, end: u32 }
fn rowsSeeing(batch: u32, key: u32) -> Rows {
  let start = startOf(batch);
  return Rows(max(key, start) - start, min(max(key + 3u + params.window, start) - start, params.rows));
}`

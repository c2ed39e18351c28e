/**
 * WGSL of the keys that any row of a range sees (sight.ts says which one row does), the same for all lanes of a workgroup:
 *
 * - `reachOf(batch, first, last, low, high) -> Reach`: of the rows first … last, among the keys low … high − 1
 * - `reachAfter(reach, tile, size)`: a pass over the tiles from `reach.begin` to before `reach.end` that hold all of these keys
 */
export const reachSource = (given: boolean): string => (given ? givenReach : causalReach)

const causalReach = `
struct Reach { begin: u32, end: u32 }
fn reachOf(batch: u32, first: u32, last: u32, low: u32, high: u32) -> Reach {
  let sight = sightOf(batch, vec4u(first, first, last, last), low, high);
  return Reach(beginOf(sight), endOf(sight));
}
fn reachAfter(reach: Reach, tile: u32, size: u32) -> u32 { return tile + size; }`

const givenReach = `
/** Prefixes end before \`prefixes\`, and no group begins before \`groups\`. */
struct Reach { begin: u32, end: u32, prefixes: u32, groups: u32 }
fn reachOf(batch: u32, first: u32, last: u32, low: u32, high: u32) -> Reach {
  var reach = Reach(high, 0u, 0u, high);
  for (var row = first; row <= last; row += 4u) {
    let sight = sightOf(batch, min(row + vec4u(0u, 1u, 2u, 3u), vec4u(last)), low, high);
    reach.begin = min(reach.begin, beginOf(sight));
    reach.end = max(reach.end, endOf(sight));
    reach.prefixes = max(reach.prefixes, prefixEnd(sight));
    reach.groups = min(reach.groups, groupBegin(sight));
  }
  return reach;
}
fn reachAfter(reach: Reach, tile: u32, size: u32) -> u32 {
  let next = tile + size;
  return select(next, max(next, reach.groups / size * size), next >= reach.prefixes);
}`

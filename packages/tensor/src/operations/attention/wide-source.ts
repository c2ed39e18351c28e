import { each } from '../each'
import { components } from './exchange'
import { entryPoint, forwardBindings, ofFour } from './frame'
import type { ScoreForm } from './score'

/** What a kernel of wide blocks is generated from. */
export interface WideForm {
  readonly score: ScoreForm
  /** Of a subgroup, which is a workgroup. */
  readonly lanes: number
  /** Of four, in a head. */
  readonly vectors: number
  /** Of four queries, in a block. */
  readonly groups: number
}

/**
 * What `forwardSource` computes by the exchange `subgroups`, to the bit, of blocks of several times four queries: a key and a
 * value are loaded once for all of them. A vector that eight lanes load costs a CPU as much as a dozen products, and the few rows
 * of a verified draft are, with the heads that share a key head, queries enough to share it.
 *
 * Lanes score keys of their own, four each, for all queries; these they load between them, one each, and hand round. Then each
 * adds up its own vectors of the head, `together` values at a time.
 */
export function wideSource({ score, lanes, vectors, groups }: WideForm): string {
  const owned = Math.ceil(vectors / lanes)
  const held = Math.ceil((4 * groups) / lanes)
  const eachGroup = (line: (g: number) => string) => each(groups, line)
  const eachKey = (line: (j: number) => string) => each(4, line)
  const eachSum = (line: (o: number, m: number) => string) => each(owned, (o) => each(4, (m) => line(o, m)))
  const handed = (query: number) => `subgroupBroadcast(held${Math.floor(query / lanes)}, ${query % lanes}u)`
  const least = (values: (g: number) => string) => nested('min', groups, values)
  return `${entryPoint(score, forwardBindings(), 'enable subgroups;\nconst TILE = 4u * LANES;')}
  let queries = queryCount();
  let block = blockAt(index, queries, ${4 * groups}u);
  if (block.split >= params.splits) { return; }
  let low = block.split * params.span;
  ${each(held, (h) => `let mine${h} = queryAt(block, min(block.first + lane + ${h}u * LANES, queries - 1u));`)}
  ${eachGroup(
    (g) => `let block${g} = Block(block.first + ${4 * g}u, block.kvHead, block.batch, block.split);
  let members${g} = membersOf(block${g}, queries);
  let sight${g} = sightOf(block.batch, rowsOf(members${g}), low, low + params.span);
  var largest${g} = vec4f(-3.0e38);
  var total${g} = vec4f(); // of this lane's keys
  ${eachSum((o, m) => `var m${g}_${o}_${m} = vec4f();`)}`,
  )}
  let end = ${nested('max', groups, (g) => `endOf(sight${g})`)};
  var tile = ${least((g) => `beginOf(sight${g})`)} / TILE * TILE;
  while (tile < end) {
    ${eachKey(
      (j) => `let key${j} = tile + lane + ${j}u * LANES;
    let theirs${j} = keyAt(block, min(key${j}, params.keys - 1u));
    ${eachGroup((g) => `var s${g}_${j} = vec4f();`)}`,
    )}
    for (var i = 0u; i < VECTORS; i++) {
      ${each(held, (h) => `let held${h} = q[mine${h} + i];`)}
      ${eachKey((j) => `let k${j} = load_k(theirs${j} + i);`)}
      ${eachGroup(
        (g) => `let asked${g} = mat4x4f(${components.map((_, m) => handed(4 * g + m)).join(', ')});
      ${eachKey((j) => `s${g}_${j} += k${j} * asked${g};`)}`,
      )}
    }
    ${eachGroup((g) => `var top${g} = largest${g};`)}
    for (var part = tile; part < tile + TILE; part += LANES) {
      ${eachGroup(
        (g) => `let score${g} = select(vec4f(-3.0e38), scoreOf(s${g}_0), sees(sight${g}, vec4u(part + lane)));
      top${g} = max(top${g}, score${g});
      ${turned(g, 'score')}`,
      )}
    }
    ${eachGroup(
      (g) => `top${g} = subgroupMax(top${g});
    let shrink${g} = exp(largest${g} - top${g});
    largest${g} = top${g};
    ${eachSum((o, m) => `m${g}_${o}_${m} *= shrink${g}.${components[m]};`)}`,
    )}
    for (var part = tile; part < tile + TILE; part += LANES) {
      ${eachGroup(
        (g) => `let weight${g} = select(vec4f(), exp(s${g}_0 - top${g}), sees(sight${g}, vec4u(part + lane)));
      ${turned(g, 'weight')}`,
      )}
      for (var l = 0u; l < select(0u, LANES, part < end); l += ${together}u) {
        ${each(
          together,
          (t) => `let first${t} = keyAt(block, min(part + l + ${t}u, end - 1u));
        ${each(owned, (o) => `let value${t}_${o} = load_v(first${t} + min(lane + ${o}u * LANES, VECTORS - 1u));`)}`,
        )}
        ${eachGroup(
          (g) => `${each(together, (t) => `let factor${g}_${t} = subgroupShuffle(weight${g}, l + ${t}u);`)}
        ${eachSum((o, m) => each(together, (t) => `m${g}_${o}_${m} += factor${g}_${t}.${components[m]} * value${t}_${o};`))}`,
        )}
      }
    }
    ${eachGroup((g) => `total${g} = total${g} * shrink${g} + ${ofFour(`s${g}_`, (a, b) => `(${a} + ${b})`)};`)}
    tile = ${least((g) => `tileAfter(sight${g}, tile, TILE)`)};
  }
  ${eachGroup(
    (g) => `{
    let total = totalOf(subgroupAdd(total${g}));
    let there = min(queries - min(block${g}.first, queries), 4u);
    let places = outOfSplit(queriesAt(block, members${g}), block);
    ${each(owned, (o) => {
      const whole = (o + 1) * lanes <= vectors
      const writes = each(4, (m) => {
        const component = components[m]!
        return `if (there > ${m}u) { out[places.${component} + lane + ${o}u * LANES] = m${g}_${o}_${m} / total.${component}; }`
      })
      return whole ? writes : `if (lane + ${o}u * LANES < VECTORS) { ${writes} }`
    })}
    if (lane < there) { logSumExp[logSumExpOfSplit(block, block${g}.first + lane)] = largest${g}[lane] + log(total[lane]); }
  }`,
  )}
}`
}

/** A lane's four places come by turns into the first: the text, and the time that a driver takes for it, is a quarter as long. */
const turned = (g: number, last: string) => `${each(3, (j) => `s${g}_${j} = s${g}_${j + 1};`)} s${g}_3 = ${last}${g};`

/** Values that are added at a time: one makes sums go to memory and back for each value, more make a longer text. */
const together = 2

const nested = (both: string, count: number, value: (i: number) => string): string =>
  Array.from({ length: count }, (_, i) => value(i)).reduce((a, b) => `${both}(${a}, ${b})`)

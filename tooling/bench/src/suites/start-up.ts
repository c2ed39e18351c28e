import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { median, rounded } from '../compare'
import { inChild } from '../in-child'
import type { Row, Suite } from '../suite'

const rounds = 3
const starts = ['first', 'second'] as const

/** Milliseconds of the stages of a start, as start-up-child.ts prints them. */
type Stages = Record<string, number>

/** What it takes until a pair speaks, in processes of their own: the first on a machine, and one after it. */
export const startUpSuite: Suite = {
  name: 'start-up',
  summary: 'from nothing to the first token, where the driver has compiled nothing yet, and the second time',
  async run({ note }) {
    const measured: Record<(typeof starts)[number], Stages[]> = { first: [], second: [] }
    for (let round = 0; round < rounds; round++) {
      // Drivers keep what they compiled in a folder: an empty one is a machine on which nothing ran before.
      const cache = await mkdtemp(join(tmpdir(), 'outrider-cache-'))
      try {
        for (const start of starts) {
          note(`the ${start} start, round ${round + 1}`)
          measured[start].push(await startPair(cache))
        }
      } finally {
        await rm(cache, { recursive: true, force: true })
      }
    }
    return starts.map((start): Row => {
      const [one] = measured[start]
      const of = (stage: string) => rounded(median(measured[start].map((stages) => stages[stage]!)))
      return { start, ...Object.fromEntries(Object.keys(one!).map((stage) => [stage, of(stage)])) }
    })
  },
}

const startPair = (cache: string): Promise<Stages> =>
  inChild(new URL('start-up-child.ts', import.meta.url), {
    env: { MESA_SHADER_CACHE_DIR: cache, XDG_CACHE_HOME: cache, __GL_SHADER_DISK_CACHE_PATH: cache },
  })

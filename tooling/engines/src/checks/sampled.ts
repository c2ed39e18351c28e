import { uniform01 } from '@outrider/tensor'
import { drawnFrom } from '../reference'
import { answersOf } from './answers'
import type { Asked, Finding } from './check'

/** What χ² of 7 degrees of freedom exceeds once in ten thousand times. */
const improbable = 29.9

/**
 * The engine's sampled dataset: where each token lies in the cumulative distribution of the model here, evenly within the token's
 * share, is uniform if it was drawn from that (Smith 1985). Pearson's χ² in 8 cells, for each temperature.
 */
export async function sampled({ engine, endpoint, target, reference }: Asked): Promise<Finding[]> {
  const temperatures = [0.7, 1]
  const topP = 0.95
  const answers = await answersOf(endpoint, target, { prompts: 10, temperatures, topP, samples: 5, maxTokens: 40 })
  const isTold = answers.every(({ isToldById }) => isToldById)
  const findings: Finding[] = []
  for (const temperature of temperatures) {
    const cells = new Array<number>(8).fill(0)
    let [draws, atEdge, outside] = [0, 0, 0]
    for (const { prompt, tokens, row } of answers) {
      if (row.temperature !== temperature) continue
      const logQ = await reference.logQ([...prompt, ...tokens])
      for (const [i, token] of tokens.entries()) {
        const { p, edge } = drawnFrom(logQ[prompt.length + i - 1]!, { temperature, topP, cutsFirst: engine.cutsFirst })
        if (edge.length > 0) {
          atEdge++
          continue
        }
        if (p[token] === 0) {
          outside++
          continue
        }
        let below = 0
        for (let id = 0; id < token; id++) below += p[id]!
        const place = below + uniform01(20_261_128, draws++) * p[token]!
        cells[Math.min(7, Math.floor(8 * place))]!++
      }
    }
    const chi = cells.reduce((sum, count) => sum + (count - draws / 8) ** 2 / (draws / 8), 0)
    findings.push({
      check: `sampled answers, temperature ${temperature}`,
      found: `χ² ${chi.toFixed(1)} of ${draws} tokens (7 degrees of freedom, at most ${improbable}); ${outside} outside top-p, ${atEdge} at its edge left out`,
      // Ids of a text are not always those that were said.
      isGood: chi < improbable && outside <= (isTold ? 0 : draws / 200) && draws > 300,
    })
  }
  return findings
}

import { inOrder } from '../reference'
import { answersOf } from './answers'
import type { Asked, Finding } from './check'

const margin = 1e-3

/**
 * The engine's greedy dataset beside that of the model here: the same ids up to the first place where the two likeliest tokens are less
 * than a thousandth apart, where roundings decide.
 */
export async function greedy({ endpoint, target, reference, which }: Asked): Promise<Finding[]> {
  const grid = { prompts: 12, temperatures: [0], topP: 1, samples: 1, maxTokens: 40 }
  const theirs = await answersOf(endpoint, target, grid)
  const ours = await answersOf(target, target, grid)
  let same = 0
  let tied = 0
  let compared = 0
  const differences: string[] = []
  for (const [i, { prompt, tokens }] of ours.entries()) {
    const other = theirs[i]!.tokens
    const at = tokens.findIndex((id, j) => other[j] !== id)
    if (at < 0 && other.length === tokens.length) {
      same++
      compared += tokens.length
      continue
    }
    const place = at < 0 ? tokens.length : at
    compared += place
    const logQ = (await reference.logQ([...prompt, ...tokens])).at(prompt.length + place - 1)!
    const [first, second] = inOrder(logQ)
    const apart = logQ[first!]! - logQ[second!]!
    if (apart < margin) tied++
    else
      differences.push(
        `answer ${i}, token ${place}: ${other[place]} for ${tokens[place]}, which are ${apart.toFixed(4)} apart`,
      )
  }
  const told = theirs.every(({ isToldById }) => isToldById) ? 'ids as the engine says them' : 'ids of the text'
  const found = `${same} of ${ours.length} answers the same (${compared} tokens, ${told}), ${tied} up to a tie${differences.map((text) => `; ${text}`).join('')}`
  return [
    {
      check: 'greedy answers',
      found,
      isGood: which === 'quantised' || (differences.length === 0 && theirs.length === ours.length),
    },
  ]
}

import { noToken, type Scored } from '@outrider/dataset'
import { OutriderError } from '@outrider/tensor'
import { answersOf } from './answers'
import type { Asked, Finding } from './check'

const k = 20
const most = 1e-3

/** Tokens, which of them are learned, and where they are said from. */
interface Row {
  tokens: number[]
  lossMask: number[]
  begin: number
}

/**
 * What the engine thinks of answers: its log-probabilities beside those of the model here, as they come; and α between a draft and the
 * target from k tokens a place and a bucket for the others, which is never below the true one, and above it by less than the smaller of
 * what the two leave for the others.
 */
export async function scored(asked: Asked): Promise<Finding[]> {
  const { engine, endpoint, target, which } = asked
  const answers = await answersOf(target, target, {
    prompts: 6,
    temperatures: [0, 1],
    topP: 1,
    samples: 1,
    maxTokens: 40,
  })
  const rows = answers.map(
    ({ prompt, tokens }): Row => ({
      tokens: [...prompt, ...tokens],
      lossMask: [...prompt.map(() => 0), ...tokens.map(() => 1)],
      begin: prompt.length,
    }),
  )
  const found: Scored<Row>[] = []
  try {
    for await (const one of endpoint.topTokens(rows, { k, concurrency: 4 })) found.push(one)
  } catch (error) {
    if (!(error instanceof OutriderError) || error.code !== 'UNSUPPORTED') throw error
    const said = engine.teaches ? error.message : 'refused, as it names tokens by text and takes no ids'
    return [{ check: 'log-probabilities', found: said, isGood: !engine.teaches }]
  }
  const difference = { most: 0, sum: 0, count: 0 }
  const alpha = { places: 0, exact: 0, told: 0, bound: 0, apart: 0, beyond: 0 }
  for (const { request, answer, failure } of found) {
    if (!answer) throw new Error(failure)
    const [logQ, logP] = [await asked.reference.logQ(request.tokens), await asked.draft.logQ(request.tokens)]
    for (let i = 0; i < answer.logRest.length; i++) {
      const [q, p] = [logQ[request.begin + i - 1]!, logP[request.begin + i - 1]!]
      let [shared, restP, restQ, apart] = [0, 1, 1, 0]
      for (let j = 0; j < k; j++) {
        const id = answer.ids[i * k + j]!
        if (id === noToken) continue
        const told = answer.logProbabilities[i * k + j]!
        const off = Math.abs(told - q[id]!)
        difference.most = Math.max(difference.most, off)
        difference.sum += off
        difference.count++
        shared += Math.min(Math.exp(p[id]!), Math.exp(told))
        apart += Math.abs(Math.exp(told) - Math.exp(q[id]!)) / 2
        restP -= Math.exp(p[id]!)
        restQ -= Math.exp(told)
      }
      const bound = Math.max(0, Math.min(restP, restQ))
      const exact = q.reduce((sum, x, id) => sum + Math.min(Math.exp(x), Math.exp(p[id]!)), 0)
      const above = shared + bound - exact
      alpha.places++
      alpha.exact += exact
      alpha.told += shared + bound
      alpha.bound += bound
      alpha.apart += apart
      // What the engine's q is off by has its own share in α: never more than the distance of the two.
      if (above < -2 * apart - 1e-5 || above > bound + 2 * apart + 1e-5) alpha.beyond++
    }
  }
  const mean = (sum: number) => (sum / alpha.places).toFixed(5)
  return [
    {
      check: 'log-probabilities',
      found: `${difference.most.toExponential(1)} apart at most, ${(difference.sum / difference.count).toExponential(1)} on average, of ${difference.count} (${k} a place)`,
      isGood: which === 'quantised' || difference.most < most,
    },
    {
      check: 'α from them',
      found: `${mean(alpha.told)}, of the whole distribution ${mean(alpha.exact)}; bound ${mean(alpha.bound)}, q ${mean(alpha.apart)} apart; ${alpha.beyond} of ${alpha.places} places beyond`,
      isGood: alpha.beyond === 0,
    },
  ]
}

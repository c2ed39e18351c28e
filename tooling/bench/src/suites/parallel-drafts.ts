import { modelDrafter } from '@outrider/speculative'
import type { ChatMessage, PretrainedModel } from '@outrider/transformer'
import { exchanges } from 'outrider/tiny-chat'
import { answeredInTurns, type Figures, latencies, plainWay, rowOf, speculativeWay } from '../answered-in-turns'
import { rounded } from '../compare'
import type { Row, SuiteContext } from '../suite'
import { blockLength, type TrainedDraft, trainedDrafts } from '../trained-drafts'

const rounds = 3
const prompts = 9
const maxTokens = 40
const cases = [
  { temperature: 0, draftLengths: [3, 5, blockLength, 'auto'] },
  { temperature: 0.7, draftLengths: ['auto'] },
] as const
/** What a parallel draft is to be over the best sequential one. */
const goal = 1.3

/**
 * Drafts that propose a block in one pass beside such as propose a token at a time, of equal training budgets (`trainedDrafts`), on
 * prompts of all kinds, in turns. Beside what `rowOf` says, a parallel draft's row has its rate over that of the best sequential
 * draft at each latency, and the latency of a dispatch from which it is faster than every one of them, and 1.3 times as fast.
 */
export async function parallelDraftRows(
  { device, note, now }: Pick<SuiteContext, 'device' | 'note' | 'now'>,
  target: PretrainedModel,
): Promise<Row[]> {
  const drafts = await trainedDrafts({ note, now }, target)
  const asked = exchanges({ seed: 303, count: prompts }).map(({ prompt }): ChatMessage[] => [
    { role: 'user', content: prompt },
  ])
  const rows: Row[] = []
  for (const { temperature, draftLengths } of cases) {
    const settings = drafts.flatMap((draft) => draftLengths.map((draftLength) => ({ draft, draftLength })))
    const ways = [plainWay(target)]
    for (const { draft, draftLength } of settings) {
      note(`${draft.name}: what steps cost at temperature ${temperature}`)
      const drafter = modelDrafter(draft.model.model)
      ways.push(await speculativeWay(draft.name, { target, drafter, draftLength, now }, temperature))
    }
    note(`sequential and parallel drafts, temperature ${temperature}`)
    const [plain, ...measured] = await answeredInTurns(device, ways, asked, { temperature, maxTokens, rounds, now })
    const where = (draftLength: number | string) => ({ temperature, γ: draftLength, text: 'all kinds' })
    rows.push(rowOf(where(''), plain!, plain!))
    const sequential = measured.filter((_, i) => !settings[i]!.draft.isParallel)
    for (const [i, { draft, draftLength }] of settings.entries())
      rows.push({ ...rowOf(where(draftLength), measured[i]!, plain!), ...besideThem(draft, measured[i]!, sequential) })
  }
  for (const { model } of drafts) model.dispose()
  return rows
}

function besideThem(draft: TrainedDraft, figures: Figures, sequential: readonly Figures[]): Row {
  const training = { steps: draft.steps, training_s: rounded(draft.trainingSeconds) }
  if (!draft.isParallel) return training
  const over = (latency: number) =>
    Math.min(...sequential.map((other) => timeOf(other, latency))) / timeOf(figures, latency)
  return {
    ...training,
    over_sequential: latencies.map((latency) => rounded(over(latency))).join(', '),
    faster_from_µs: inMicroseconds(leastLatency(figures, sequential, 1)),
    [`${goal}×_from_µs`]: inMicroseconds(leastLatency(figures, sequential, goal)),
  }
}

/** Seconds of a token, where every dispatch takes so much more. */
const timeOf = ({ seconds, dispatches }: Figures, latency: number): number => seconds + dispatches * latency

/** The latency of a dispatch from which one is so many times as fast as all others; infinite where there is none. */
function leastLatency(one: Figures, others: readonly Figures[], factor: number): number {
  return Math.max(
    0,
    ...others.map(({ seconds, dispatches }) => {
      const [gain, lag] = [dispatches - factor * one.dispatches, factor * one.seconds - seconds]
      return gain > 0 ? lag / gain : Number.POSITIVE_INFINITY
    }),
  )
}

const inMicroseconds = (seconds: number): string =>
  Number.isFinite(seconds) ? `${Math.round(seconds * 1e6)}` : 'never'

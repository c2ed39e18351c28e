import type { SpeculativeDecoderOptions } from '@outrider/speculative'
import type { ChatMessage } from '@outrider/transformer'
import { exchanges } from 'outrider/tiny-chat'
import { answeredInTurns, plainWay, rowOf, speculativeWay } from '../answered-in-turns'
import type { Suite } from '../suite'
import { tinyDraft, tinyTarget } from '../tiny-pair'

const rounds = 3
const maxTokens = 40
const temperature = 0
const ways: Record<string, Pick<SpeculativeDecoderOptions, 'draftLength' | 'draftStop'>> = {
  'γ 5': { draftLength: 5 },
  'γ 5, stop 0.4': { draftLength: 5, draftStop: { confidence: 0.4 } },
  'γ 5, stop auto': { draftLength: 5, draftStop: 'auto' },
  auto: {},
  'auto, stop auto': { draftStop: 'auto' },
  'auto, stop 0.3': { draftStop: { confidence: 0.3 } },
}

/** What it brings that drafts stop before a bad guess, on one trained pair, in turns; and what a step saves that is left out. */
export const stopsSuite: Suite = {
  name: 'stops',
  summary: 'drafts that stop early, by a number and by auto, in turns with those that do not: τ, dispatches, speed-up',
  async run({ device, note, now, each = 2 }) {
    note('loading the pair')
    const [target, draft] = [await tinyTarget(device), await tinyDraft(device)]
    const prompts = (['open-ended', 'summarise', 'translate'] as const).flatMap((task) =>
      exchanges({ seed: 302, count: each, tasks: [task] }).map(({ prompt }): ChatMessage[] => [
        { role: 'user', content: prompt },
      ]),
    )
    const taken = [plainWay(target)]
    for (const [name, how] of Object.entries(ways)) {
      note(`${name}: what steps cost`)
      taken.push(await speculativeWay(name, { target, drafter: draft, ...how, now }, temperature))
    }
    note('answering in turns')
    const measured = await answeredInTurns(device, taken, prompts, { temperature, maxTokens, rounds, now })
    for (const model of [draft, target]) model.dispose()
    return measured.map((figures) => rowOf({}, figures, measured[0]!))
  },
}

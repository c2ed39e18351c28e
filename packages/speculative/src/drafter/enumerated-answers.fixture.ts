import type { DraftChoice, DraftLengthPolicy } from '../draft-length/policy'
import { sequences } from '../testing/chains'
import { verdictMeasure } from '../testing/law'
import type { VerificationRule } from '../verification/rule'
import type { DraftSession } from './drafter'

/** One of the drafts that may be proposed: its tokens, what each is drawn from, and how likely it is. */
export interface Proposal {
  ids: readonly number[]
  p: readonly (readonly number[])[]
  probability: number
}

/** What a drafter may propose after tokens where this offer of its session is taken, and so many tokens. */
export type Proposals = (
  session: Pick<DraftSession, 'draft'>,
  request: DraftChoice & { tokens: readonly number[] },
) => readonly Proposal[]

export interface Enumeration {
  rule: VerificationRule
  /** The target's distribution after a text: a row a symbol, or of the whole text, the prompt first. */
  target: readonly (readonly number[])[] | ((text: readonly number[]) => readonly number[])
  /** What the target's distributions are said to be after a text and drafted tokens. Default what they are. */
  verified?: (text: readonly number[], drafted: readonly number[]) => readonly number[]
  open: () => DraftSession
  proposals: Proposals
  policy: () => DraftLengthPolicy
  prompt: readonly number[]
  /** Tokens of the answer. */
  length: number
}

/** What a generation is before a block: what it said, and how its blocks went, on which the next may depend. */
interface State {
  said: readonly number[]
  blocks: readonly { drafted: number; accepted: number }[]
  probability: number
}

/** γ at most. */
const limit = 2

/**
 * The law of an answer's first tokens, exactly: from block to block, over every draft that may be proposed after every text that
 * may have come out, and every outcome of the rule's reference.
 *
 * @returns of the answer that is furthest from what the target gives it, the distance; and the numbers of tokens that were proposed
 */
export function answerError({ rule, target, verified, open, proposals, policy, prompt, length }: Enumeration) {
  const after = typeof target === 'function' ? target : (text: readonly number[]) => target[text.at(-1)!]!
  const judged = verified ?? ((text: readonly number[], drafted: readonly number[]) => after([...text, ...drafted]))
  const law = new Map<string, number>()
  const lengths = new Set<number>()
  const outcomes = new Map<string, [{ accepted: number; next: number }, number][]>()
  const verdicts = (text: readonly number[], { ids, p }: Proposal) => {
    const q = [...ids, -1].map((_, i) => [...judged(text, ids.slice(0, i))])
    const rows = p.map((row) => [...row])
    const name = JSON.stringify([ids, rows, q])
    const known =
      outcomes.get(name) ??
      verdictMeasure((uniforms) => rule.reference({ p: rows, q, tokens: [...ids], uniforms }), ids.length + 1)
    outcomes.set(name, known)
    return known
  }
  let states: State[] = [{ said: [], blocks: [], probability: 1 }]
  while (states.length > 0) {
    const next = new Map<string, State>()
    for (const { said, blocks, probability } of states) {
      const tokens = [...prompt, ...said]
      for (const proposal of proposed({ open, proposals, policy, prompt }, tokens, blocks)) {
        const drafted = proposal.ids.length
        lengths.add(drafted)
        for (const [{ accepted, next: last }, measure] of verdicts(tokens, proposal)) {
          const more = [...said, ...proposal.ids.slice(0, accepted), last]
          const likely = probability * proposal.probability * measure
          if (more.length >= length) {
            const name = more.slice(0, length).join()
            law.set(name, (law.get(name) ?? 0) + likely)
            continue
          }
          const state = { said: more, blocks: [...blocks, { drafted, accepted }], probability: likely }
          const name = JSON.stringify([more, state.blocks])
          const known = next.get(name)
          if (known) known.probability += likely
          else next.set(name, state)
        }
      }
    }
    states = [...next.values()]
  }
  const likely = (sequence: readonly number[]) =>
    sequence.reduce((product, x, i) => product * after([...prompt, ...sequence.slice(0, i)])[x]!, 1)
  const errors = sequences(after(prompt).length, length).map((sequence) =>
    Math.abs((law.get(sequence.join()) ?? 0) - likely(sequence)),
  )
  return { error: Math.max(...errors), lengths: [...lengths].sort() }
}

/** What may be proposed after these tokens, by a policy that has seen these blocks. */
function proposed(
  { open, proposals, policy, prompt }: Pick<Enumeration, 'open' | 'proposals' | 'policy' | 'prompt'>,
  tokens: readonly number[],
  blocks: State['blocks'],
): readonly Proposal[] {
  const [session, decides] = [open(), policy()]
  let after = prompt.length
  for (const { drafted, accepted } of blocks) {
    const choice = decides.next(session.offers!(tokens.slice(0, after), limit))
    decides.observe({ drafted, accepted, offer: choice?.offer, stop: choice?.stop, seconds: 1 })
    after += accepted + 1
  }
  const choice = decides.next(session.offers!(tokens, limit))
  return choice ? proposals(session, { tokens, ...choice }) : [{ ids: [], p: [], probability: 1 }]
}

/** What a drafter without a draw proposes: that alone, p 1 for each of its tokens. */
export function knownProposal(ids: readonly number[], symbols: number): Proposal {
  const p = ids.map((id) => Array.from({ length: symbols }, (_, x) => (x === id ? 1 : 0)))
  return { ids, p, probability: 1 }
}

/**
 * Everything that a parallel draft may propose: each token from a row of its own, whatever the others are.
 *
 * @param p  what each is drawn from
 */
export function parallelProposals(p: readonly (readonly number[])[]): Proposal[] {
  const likely = (ids: readonly number[]) => ids.reduce((product, id, i) => product * p[i]![id]!, 1)
  return sequences(p[0]!.length, p.length)
    .map((ids) => ({ ids, p, probability: likely(ids) }))
    .filter(({ probability }) => probability > 0)
}

/**
 * Everything that a model may propose of so many tokens.
 *
 * @param p    what the token after some drafted tokens is drawn from
 * @param end  how many of the drawn tokens it proposes
 */
export function drawnProposals(
  p: (drafted: readonly number[]) => readonly number[],
  { draftLength, end }: { draftLength: number; end: (tokens: readonly number[]) => number },
): Proposal[] {
  const found = new Map<string, Proposal>()
  for (const tokens of sequences(p([]).length, draftLength)) {
    const probability = tokens.reduce((product, x, i) => product * p(tokens.slice(0, i))[x]!, 1)
    if (probability === 0) continue
    const ids = tokens.slice(0, end(tokens))
    const before = found.get(ids.join())?.probability ?? 0
    const rows = ids.map((_, i) => p(ids.slice(0, i)))
    found.set(ids.join(), { ids, p: rows, probability: before + probability })
  }
  return [...found.values()]
}

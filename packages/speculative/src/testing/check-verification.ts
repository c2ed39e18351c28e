import { type Device, OutriderError, uniform01 } from '@outrider/tensor'
import { type DraftEnd, endedDraft } from '../verification/ended-draft'
import type { Verdict, VerificationRule } from '../verification/rule'
import { readVerdict } from '../verification/verify'
import { randomChain } from './chains'
import { law } from './law'

/** What `checkVerification` found of a rule that it lets pass. */
export interface VerificationCheck {
  /** How far the probability of any sequence was from the target's: rounding. */
  error: number
  /** The mean number of tokens of a block, by γ from 1. */
  expectedTokens: number[]
}

/** Where a draft may end: at its length, or at the first of a kind of tokens, so that the draft decides how long it is. */
const ends: readonly { name: string; end: DraftEnd }[] = [
  { name: '', end: (tokens) => tokens.length },
  {
    name: ', a draft that ends with its first 1',
    end: (tokens) => (tokens.includes(1) ? tokens.indexOf(1) + 1 : tokens.length),
  },
]

/** Rounding of float64 over all outcomes; what a wrong rule gets wrong is far above. */
const tolerance = 1e-10

/**
 * Proves on small vocabularies that a rule keeps the target's distribution, by its reference over every draft and every outcome,
 * γ = 1 to 3, also where draft or target give some symbols no probability, and where the drafted tokens decide how many there
 * are; and that its kernels decide as the reference does, on random blocks, whole ones and such that end early.
 *
 * @throws OutriderError INVALID_ARGUMENT for a rule that is not exact, with the sequence that is furthest off and by how much;
 *   where the device's verdict is another than the reference's, with both
 */
export async function checkVerification(
  rule: VerificationRule,
  { device }: { device: Device },
): Promise<VerificationCheck> {
  const checked = checkLaw(rule)
  for (const [vocabulary, draftLength] of [
    [3, 1],
    [7, 3],
    [300, 5],
  ] as const)
    await checkDevice(rule, device, vocabulary, draftLength)
  return checked
}

function checkLaw(rule: VerificationRule): VerificationCheck {
  let error = 0
  const expectedTokens: number[] = []
  for (const draftLength of [1, 2, 3]) {
    const random = numbers(draftLength)
    const pairs = [0, 0, 0.4].map((zeros) => ({ p: randomChain(random, 3, zeros), q: randomChain(random, 3, zeros) }))
    let tokens = 0
    for (const { p, q } of pairs)
      for (const [i, { name, end }] of ends.entries()) {
        const reference: VerificationRule['reference'] = (input) =>
          plausible(rule, rule.reference(input), input.tokens.length, 3)
        const found = law(reference, p, q, draftLength, end)
        if (!(found.error <= tolerance)) throw notExact(rule, found, { draftLength, p, q }, name)
        error = Math.max(error, found.error)
        if (i === 0) tokens += found.expectedTokens / pairs.length
      }
    expectedTokens.push(tokens)
  }
  return { error, expectedTokens }
}

function notExact(
  { name }: VerificationRule,
  found: { error: number; sequence: number[]; produced: number; wanted: number },
  chains: { draftLength: number; p: number[][]; q: number[][] },
  ending: string,
): OutriderError {
  const { sequence, produced, wanted, error } = found
  return new OutriderError(
    'INVALID_ARGUMENT',
    `Verification rule ${name} is not exact: with γ = ${chains.draftLength}${ending} the tokens ${sequence.join(', ')} come with probability ${produced.toFixed(4)}, and the target gives them ${wanted.toFixed(4)}.`,
    {
      remedy: 'What is drawn after the tokens that are kept must make up for what the others were accepted too often.',
      details: { error, sequence, produced, wanted, ...chains },
    },
  )
}

function plausible({ name }: VerificationRule, verdict: Verdict, draftLength: number, vocabulary: number): Verdict {
  const within = (value: number, end: number) => Number.isInteger(value) && value >= 0 && value < end
  if (within(verdict.accepted, draftLength + 1) && within(verdict.next, vocabulary)) return verdict
  throw new OutriderError(
    'INVALID_ARGUMENT',
    `Verification rule ${name} keeps ${verdict.accepted} of ${draftLength} tokens and draws ${verdict.next} of ${vocabulary}.`,
  )
}

const blocks = 48

async function checkDevice(
  rule: VerificationRule,
  device: Device,
  vocabulary: number,
  draftLength: number,
): Promise<void> {
  const random = numbers(100 + vocabulary)
  const samples = Array.from({ length: blocks }, () => sample(random, vocabulary, draftLength))
  const tensor = (rows: readonly Float32Array[]) =>
    device.tensor(Float32Array.from(rows.flatMap((row) => [...row])), { shape: [rows.length, vocabulary] })
  // Half of them end early; the rows behind are those of a longer draft.
  const counts = samples.map((_, i) => (i % 2 === 0 ? draftLength : (i >> 1) % (draftLength + 1)))
  const verdicts = samples.map(({ p, q, tokens, uniforms }, i) =>
    device.scope(() =>
      rule.verify({
        p: tensor(p),
        q: tensor(q),
        tokens: device.tensor(Uint32Array.from(tokens)),
        uniforms: device.tensor(Float32Array.from(uniforms)),
        count: i % 2 === 0 ? undefined : device.tensor(Uint32Array.of(counts[i]!)),
      }),
    ),
  )
  const words = await device.read(verdicts)
  for (const verdict of verdicts) verdict.dispose()
  for (const [i, sample] of samples.entries()) {
    const count = counts[i]!
    const input = endedDraft(sample, count)
    const actual = readVerdict(new Uint32Array(words[i]!, 0, 2 + 2 * draftLength))
    const near = nearby(Array.from(input.uniforms)).map((uniforms) => rule.reference({ ...input, uniforms }))
    const draws = near.filter(({ accepted }) => accepted === actual.accepted).map(({ next }) => next)
    if (Math.min(...draws) <= actual.next && actual.next <= Math.max(...draws)) continue
    const { accepted, next } = rule.reference(input)
    throw new OutriderError(
      'INVALID_ARGUMENT',
      `Verification rule ${rule.name}: of ${count} tokens the device keeps ${actual.accepted} and draws ${actual.next} of ${vocabulary}, its reference keeps ${accepted} and draws ${next}.`,
      { details: { ...input, actual, expected: { accepted, next } } },
    )
  }
}

/** A draft that is accepted often: near the target, but for every fourth. */
function sample(random: () => number, vocabulary: number, draftLength: number) {
  const normalised = (row: number[]) => {
    const sum = row.reduce((a, b) => a + b, 0)
    return Float32Array.from(row, (value) => value / sum)
  }
  const some = () => Array.from({ length: vocabulary }, () => random() ** 3 + 1e-6)
  const goals = Array.from({ length: draftLength + 1 }, some)
  const far = random() < 0.25
  const p = goals
    .slice(0, draftLength)
    .map((row) => normalised(far ? some() : row.map((goal) => goal * (0.5 + random()))))
  const tokens = p.map((row) => {
    let rest = random()
    return Math.max(
      0,
      row.findIndex((value) => {
        rest -= value
        return rest < 0
      }),
    )
  })
  const uniforms = Array.from({ length: draftLength + 1 }, random)
  return { p, q: goals.map(normalised), tokens, uniforms }
}

/** The uniforms, and those beside them: f32 may round an edge to the other side of a uniform. */
function nearby(uniforms: readonly number[]): number[][] {
  const moved = uniforms.flatMap((u, i) =>
    [-2e-6, 2e-6].map((by) => uniforms.with(i, Math.min(Math.max(u + by, 0), 1 - 2 ** -24))),
  )
  return [[...uniforms], ...moved]
}

function numbers(seed: number): () => number {
  let counter = 0
  return () => uniform01(seed, counter++)
}

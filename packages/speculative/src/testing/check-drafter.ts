import { type Device, uniform01 } from '@outrider/tensor'
import { checkPromises, expectAllClose, expectSame, type Promises } from '@outrider/tensor/testing'
import { resolveSampling } from '@outrider/transformer'
import type { Drafter, DraftRequest, DraftSession } from '../drafter/drafter'
import { constrainedDraws } from './constrained-draws'
import { chiSquare, correlation, type Draw, improbable, placeOf } from './draws'

export interface DrafterCheckOptions {
  device: Device
  /** V, the target's vocabulary. */
  vocabularySize: number
  /** A text after which it drafts, of 4 to 12 tokens. Default one that says the same again: 1, 2, 3, 1, 2, 3, 1. */
  prompt?: readonly number[]
}

/**
 * Shows that a drafter keeps what `Drafter` and `DraftSession` promise, on which it rests that answers are the target's whatever
 * is drafted: above all that each token is drawn from the very distribution that comes with it. It drafts some 250 times, by up to
 * 3 tokens.
 *
 * @throws OutriderError INVALID_ARGUMENT for a promise that is broken, with how
 */
export async function checkDrafter(
  drafter: Drafter,
  { prompt = [1, 2, 3, 1, 2, 3, 1], ...options }: DrafterCheckOptions,
): Promise<void> {
  await checkPromises(`Drafter ${drafter.name}`, promises, { drafter, prompt, ...options })
}

type Subject = { drafter: Drafter } & Required<DrafterCheckOptions>

/** γ of the drafts that are asked for. */
const asked = 3
/** Tokens that a sequence may grow to. */
const capacity = 24
/** Counters from one request to the next. */
const spacing = 64
const seed = 5

/** What was drafted, read. */
type Drafted = Draw[]

const promises: Promises<Subject> = {
  async 'it drafts after the prompt'(subject) {
    const [draft] = await drafts(subject, [subject.prompt])
    if (draft!.length === 0)
      throw new Error(`After [${subject.prompt}] it has nothing to say: give a \`prompt\` after which it drafts`)
  },

  async 'a draft has as many tokens as were asked for, or fewer, of the vocabulary'(subject) {
    for (const draftLength of [1, 2, asked])
      await opened(subject, async (session) => {
        const draft = await read(subject, session, { tokens: subject.prompt, draftLength })
        if (draft.length > draftLength) throw new Error(`${draft.length} tokens, where ${draftLength} were asked for`)
        for (const { token } of draft)
          if (!(token < subject.vocabularySize)) throw new Error(`id ${token} of ${subject.vocabularySize}`)
      })
  },

  async 'p is a distribution, in which what was drafted can be drawn'(subject) {
    for (const temperature of [1, 0])
      await opened(subject, async (session) => {
        for (const [i, { token, p }] of (
          await read(subject, session, { tokens: subject.prompt, temperature })
        ).entries()) {
          const values = Array.from(p)
          if (!values.every((x) => x >= 0))
            throw new Error(`p of token ${i} has a probability that is negative or none`)
          await expectAllClose([values.reduce((sum, x) => sum + x, 0)], [1], { absolute: 1e-4, relative: 0 })
          if (!(p[token]! > 0))
            throw new Error(`token ${i} is ${token}, whose p is ${p[token]} at temperature ${temperature}`)
        }
      })
  },

  async 'the same request has the same draft'(subject) {
    const [first, again] = await drafts(subject, [subject.prompt, subject.prompt])
    expectAlike(again!, first!, 'the draft again')
  },

  async 'once it is told what is kept, it goes on as if it had read that alone'(subject) {
    const { prompt } = subject
    const other = (prompt[1]! + 1) % subject.vocabularySize
    const found: { tokens: number[]; draft: Drafted }[] = []
    for (const accepted of [0, 1, 2, asked])
      await opened(subject, async (session) => {
        const draft = (await read(subject, session, { tokens: prompt })).map(({ token }) => token)
        const kept = [...prompt, ...draft.slice(0, accepted), other]
        session.keep(kept.length - 1, draft.length)
        // The target's own token comes after what was accepted; then tokens that were not drafted at all.
        for (const tokens of [kept, [...kept, ...prompt.slice(0, 4)]]) {
          found.push({ tokens, draft: await read(subject, session, { tokens }) })
          session.keep(tokens.length - 1)
        }
      })
    const fresh = await drafts(
      subject,
      found.map(({ tokens }) => tokens),
    )
    for (const [i, { tokens, draft }] of found.entries()) expectAlike(draft, fresh[i]!, `after [${tokens}]`)
  },

  async 'sessions are apart'(subject) {
    const other = [...subject.prompt].reverse()
    const [expected] = await drafts(subject, [subject.prompt])
    await opened(subject, (one) =>
      opened(subject, async (two) => {
        await read(subject, one, { tokens: subject.prompt.slice(0, -1) })
        one.keep(subject.prompt.length - 2)
        await read(subject, two, { tokens: other })
        expectAlike(await read(subject, one, { tokens: subject.prompt }), expected!, 'beside another session')
      }),
    )
  },

  async 'each token is drawn from its p, by the numbers of its own place alone'(subject) {
    const count = 160
    await opened(subject, async (session) => {
      const places: number[][] = [[], [], []]
      for (let n = 0; n < count; n++) {
        const draft = await read(subject, session, { tokens: subject.prompt, offset: n * spacing })
        for (const [i, draw] of draft.entries()) places[i]!.push(placeOf(draw, n * asked + i))
        session.keep(subject.prompt.length - 1)
      }
      for (const [i, place] of places.entries()) {
        if (place.length < count) continue
        const found = chiSquare(place)
        if (found > improbable)
          throw new Error(
            `Token ${i} of ${count} drafts has χ² = ${found.toFixed(1)} against its p (7 degrees of freedom)`,
          )
        for (let other = asked; other < spacing; other++) {
          const numbers = place.map((_, n) => uniform01(seed, n * spacing + other))
          const r = correlation(place, numbers)
          if (Math.abs(r) > 0.45)
            throw new Error(
              `Token ${i} goes with the random number offset + ${other} (r = ${r.toFixed(2)}), which is for others`,
            )
        }
      }
    })
  },

  async 'token i is drawn with the random number offset + i, wherever the draft began'(subject) {
    await opened(subject, async (session) => {
      for (let n = 0; n < 12; n++) {
        const offset = n * spacing
        const whole = await read(subject, session, { tokens: subject.prompt, offset })
        session.keep(subject.prompt.length - 1)
        for (const first of [0, 1, 2].slice(0, whole.length)) {
          const tokens = [...subject.prompt, ...whole.slice(0, first).map(({ token }) => token)]
          const [one] = await read(subject, session, { tokens, draftLength: 1, offset: offset + first })
          session.keep(subject.prompt.length - 1)
          // It may think otherwise of a token that has been said than of one that it has drafted itself.
          if (one && same(one.p, whole[first]!.p))
            expectSame([one.token], [whole[first]!.token], `token ${first}, alone`)
        }
      }
    })
  },

  async 'under a constraint, too, each token that it waits for is drawn from its p, and is there when it has waited'(
    subject,
  ) {
    const { prompt: tokens, device, vocabularySize } = subject
    const sampling = resolveSampling({ temperature: 1, seed })
    const offsets = Array.from({ length: 40 }, (_, n) => n * spacing)
    const request = { device, vocabularySize, tokens, sampling, offsets, draftLength: asked }
    const drafts = await opened(subject, (session) => constrainedDraws(session, request))
    const places = drafts.flat().map(placeOf)
    const found = places.length < offsets.length ? 0 : chiSquare(places)
    if (found > improbable)
      throw new Error(`${places.length} tokens have χ² = ${found.toFixed(1)} against their p (7 degrees of freedom)`)
  },

  async 'how many tokens are drafted does not depend on the random numbers'(subject) {
    await opened(subject, async (session) => {
      const lengths: number[] = []
      for (let n = 0; n < 8; n++) {
        lengths.push((await proposal(subject, session, n * spacing)).tokens.length)
        session.keep(subject.prompt.length - 1)
      }
      expectSame(
        lengths,
        lengths.map(() => lengths[0]!),
        'lengths',
      )
    })
  },

  async 'how many of them are proposed is at least one, and depends on those alone'(subject) {
    await opened(subject, async (session) => {
      /** Of what was proposed first of a draft, by its ids: whether the draft went on. */
      const wentOn = new Map<string, boolean>()
      for (let n = 0; n < 64; n++) {
        const { tokens, count } = await proposal(subject, session, n * spacing)
        session.keep(subject.prompt.length - 1)
        if (count > tokens.length || (tokens.length > 0 && count < 1))
          throw new Error(`${count} are proposed of ${tokens.length}`)
        for (let length = 1; length < tokens.length && length <= count; length++) {
          const said = tokens.slice(0, length).join()
          if ((wentOn.get(said) ?? length < count) !== length < count)
            throw new Error(`After [${said}] one draft goes on and another ends`)
          wentOn.set(said, length < count)
        }
      }
    })
  },

  async 'what it offers it drafts: at least one token, and no more than it says or was asked for'(subject) {
    const { prompt: tokens } = subject
    for (const limit of [1, asked])
      for (let which = 0, offered = 1; which < offered; which++)
        await opened(subject, async (session) => {
          const offers = session.offers?.(tokens, limit) ?? []
          if (JSON.stringify(session.offers?.(tokens, limit) ?? []) !== JSON.stringify(offers))
            throw new Error('other offers when it is asked again')
          offered = offers.length
          const offer = session.offers?.(tokens, limit)[which]
          if (!offer) return
          const { length, unread = 1, acceptance } = offer
          if (!(Number.isInteger(length) && length >= 1 && length <= limit))
            throw new Error(`an offer of ${length} tokens, where the limit is ${limit}`)
          if (unread < 1 || unread > tokens.length) throw new Error(`${unread} of ${tokens.length} tokens are unread`)
          if (acceptance && !(acceptance.length >= length && acceptance.every((a) => a >= 0 && a <= 1)))
            throw new Error(`acceptance [${acceptance}] of ${length} tokens`)
          const draft = await read(subject, session, { tokens, offer, draftLength: length })
          if (draft.length < 1 || draft.length > length)
            throw new Error(`${draft.length} tokens, where ${length} were offered`)
        })
  },

  async 'where the sequence has grown to its capacity it drafts less, or nothing, and does not fail'(subject) {
    const { prompt } = subject
    for (const left of [3, 2, 1])
      await opened(subject, async (session) => {
        const tokens = Array.from({ length: capacity - left }, (_, i) => prompt[i % prompt.length]!)
        const draft = await read(subject, session, { tokens })
        session.keep(tokens.length + Math.min(draft.length, left), draft.length)
      })
  },

  async 'it leaves nothing on the device'(subject) {
    const { device } = subject
    await drafts(subject, [subject.prompt])
    const { liveBuffers } = device.memory
    await drafts(subject, [subject.prompt])
    expectSame([device.memory.liveBuffers], [liveBuffers], 'buffers after the session')
  },
}

async function opened<T>({ drafter, device, vocabularySize }: Subject, use: (session: DraftSession) => Promise<T>) {
  const session = drafter.open({ device, vocabularySize, capacity })
  try {
    return await use(session)
  } finally {
    session.dispose()
  }
}

/** What fresh sessions draft after each of some texts. */
async function drafts(subject: Subject, texts: readonly (readonly number[])[]): Promise<Drafted[]> {
  const all: Drafted[] = []
  for (const tokens of texts) all.push(await opened(subject, (session) => read(subject, session, { tokens })))
  return all
}

type Asked = Pick<DraftRequest, 'tokens'> & Partial<DraftRequest> & { temperature?: number }

/** What is drafted after the prompt, in order, and how much of it is proposed: nothing where it has nothing to say. */
async function proposal({ device, prompt }: Subject, session: DraftSession, offset: number) {
  const sampling = resolveSampling({ temperature: 1, seed })
  const draft = { tokens: [] as number[], count: 0 }
  const reading = device.scope(() => {
    const drafted = session.draft({ tokens: prompt, draftLength: asked, sampling, offset })
    if (!drafted) return []
    return 'ids' in drafted ? [drafted.ids] : [drafted.tokens.data(), drafted.count?.data()]
  })
  const [ids, count] = await Promise.all(reading)
  if (ids) Object.assign(draft, { tokens: Array.from(ids), count: count?.[0] ?? ids.length })
  return draft
}

/** What is proposed of one draft, read: none where it has nothing to say. */
async function read(
  { device, vocabularySize }: Subject,
  session: DraftSession,
  { temperature = 1, ...request }: Asked,
): Promise<Drafted> {
  const sampling = resolveSampling({ temperature, seed })
  const reading = device.scope(() => {
    const draft = session.draft({ draftLength: asked, offset: 0, sampling, ...request })
    if (!draft) return null
    if ('ids' in draft) return Promise.all([draft.ids, certain(draft.ids, vocabularySize), undefined])
    const { tokens, probabilities: p, count } = draft
    const shape = [tokens.size, vocabularySize]
    if (tokens.dtype !== 'u32' || (p && (p.dtype !== 'f32' || p.shape.join() !== shape.join())))
      throw new Error(
        `a draft is ${tokens.dtype} [${tokens.shape}] with p ${p?.dtype} [${p?.shape}], expected p f32 [${shape}]`,
      )
    return Promise.all([tokens.data(), p?.data(), count?.data()])
  })
  if (!reading) return []
  const [ids, given, count] = await reading
  const p = given ?? certain(ids, vocabularySize)
  return Array.from(ids.slice(0, count?.[0]), (token, i) => ({
    token,
    p: p.subarray(i * vocabularySize, (i + 1) * vocabularySize),
  }))
}

/** Rows of p that are certain of these ids, one below the other. */
function certain(ids: ArrayLike<number>, vocabularySize: number): Float32Array {
  const p = new Float32Array(ids.length * vocabularySize)
  for (const [i, id] of Array.from(ids).entries()) p[i * vocabularySize + id] = 1
  return p
}

const same = (a: ArrayLike<number>, b: ArrayLike<number>): boolean =>
  a.length === b.length && Array.from(a).every((x, i) => Object.is(x, b[i]))

function expectAlike(actual: Drafted, expected: Drafted, what: string): void {
  const tokens = (draft: Drafted) => draft.map(({ token }) => token)
  expectSame(tokens(actual), tokens(expected), `${what}: tokens`)
  for (const [i, { p }] of actual.entries()) expectSame(p, expected[i]!.p, `${what}: p of token ${i}`)
}

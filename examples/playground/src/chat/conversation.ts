import type { SpeculationFigures } from '@outrider/speculative'
import { batch, type Signal, signal } from '@preact/signals'
import { proxy } from 'comlink'
import { engine, engineState } from '../app/engine'
import { attempt } from '../app/notices'
import { compiling } from '../app/open-models'
import type { AnswerEnd, ChatBlock } from '../engine/index'
import { settings } from './settings'

/** A part of an answer: a token with its source, or drafted tokens that were refused in its place. */
export type Piece = { kind: ChatBlock['tokens'][number]['source'] | 'refused'; text: string; lookedUp?: boolean }

export interface Question {
  role: 'user'
  id: number
  text: string
}

export interface Reply {
  role: 'assistant'
  id: number
  pieces: Signal<readonly Piece[]>
  /** How it ended; undefined while it is being made. */
  end: Signal<AnswerEnd | 'stopped' | 'failed' | undefined>
}

export const turns = signal<readonly (Question | Reply)[]>([])

/** The answer that is being made. */
export const running = signal<Reply | undefined>(undefined)

/** Of everything since the drafter, the rule or the model changed. */
export const figures = signal<SpeculationFigures | undefined>(undefined)

/** What a screen reader hears when an answer is there. */
export const announcement = signal('')

let ids = 0
const open: { target: string | undefined; draft: string | undefined } = { target: undefined, draft: undefined }

void engine.chat.listen(
  proxy(({ answer, tokens, rejected, figures: now }: ChatBlock) => {
    batch(() => {
      figures.value = now
      compiling.value = false
      const reply = running.value
      // A stopped answer's last block may still arrive.
      if (reply?.id !== answer) return
      const pieces: Piece[] = tokens.map(({ text, source, drafter }) => ({
        kind: source,
        text,
        lookedUp: source === 'draft' && (drafter === 'prompt' || drafter === 'answers'),
      }))
      if (rejected.length > 0) pieces.splice(-1, 0, { kind: 'refused', text: rejected.join('') })
      reply.pieces.value = [...reply.pieces.value, ...pieces.filter(({ text }) => text !== '')]
    })
  }),
  proxy((known: SpeculationFigures) => {
    if (figures.value) figures.value = known
  }),
)

/** Says something, and lets the model answer. */
export async function say(text: string): Promise<void> {
  stop()
  const question: Question = { role: 'user', id: ++ids, text }
  turns.value = [...turns.value, question]
  await answer()
}

/** Takes the last answer back and lets the model answer again. */
export async function again(): Promise<void> {
  stop()
  const last = turns.value.at(-1)
  if (last?.role === 'assistant') turns.value = turns.value.slice(0, -1)
  await answer()
}

/** At once: what still arrives of the answer is not shown. */
export function stop(): void {
  const reply = running.value
  if (!reply) return
  batch(() => {
    reply.end.value = 'stopped'
    running.value = undefined
  })
  void attempt(() => engine.chat.stop())
}

/** Begins a new conversation. */
export function clear(): void {
  stop()
  turns.value = []
}

/** Figures begin anew. */
export async function resetFigures(): Promise<void> {
  await engine.chat.resetFigures()
  figures.value = undefined
}

async function answer(): Promise<void> {
  const { system } = settings.value
  const messages = turns.value.map((turn) => ({
    role: turn.role,
    content: turn.role === 'user' ? turn.text : textOf(turn),
  }))
  if (system.trim() !== '') messages.unshift({ role: 'system' as 'user', content: system })
  const reply: Reply = { role: 'assistant', id: ++ids, pieces: signal([]), end: signal(undefined) }
  batch(() => {
    turns.value = [...turns.value, reply]
    running.value = reply
    announcement.value = ''
  })
  const end = await attempt(() => engine.chat.answer(reply.id, messages))
  if (running.value !== reply) return
  batch(() => {
    reply.end.value = end ?? 'failed'
    running.value = undefined
    announcement.value = end ? `Answer: ${end.text}` : ''
  })
}

export const textOf = ({ pieces }: Reply): string =>
  pieces.value
    .filter(({ kind }) => kind !== 'refused')
    .map(({ text }) => text)
    .join('')

/** With another model another conversation begins, and with another drafter other figures. */
engineState.subscribe(({ target, draft }) => {
  // A lost device takes its models along; they come back, and the conversation goes on.
  if (!target) return
  if (open.target !== undefined && target.name !== open.target) clear()
  if (target.name !== open.target || draft?.name !== open.draft) figures.value = undefined
  open.target = target.name
  open.draft = draft?.name
})

import { draftersText, paysText, stopsText } from '@outrider/evaluation'
import { OutriderError } from '@outrider/tensor'
import { throwIfAborted } from '@outrider/transformer'
import type { Context } from '../context'
import { errorText } from '../error-text'
import { count, fixed, printable, type Terminal, WordWrap } from '../terminal'
import { warmUpProgress } from '../warm-up-progress'
import { figures } from './figures'
import type { LineSource } from './line-source'
import type { AnswerPiece, ChatSession } from './session'
import { runSlashCommand } from './slash-commands'
import { tokenColours, tokenLegend } from './token-colours'

/**
 * The conversation, message by message, until there is none. A person is told of a mistake and goes on; from a pipe it ends
 * the command.
 *
 * @throws OutriderError DEVICE_LOST after the last message, if the device was lost: the conversation could be saved till then
 */
export async function talk(
  context: Context,
  session: ChatSession,
  { lines, interactive }: { lines: LineSource; interactive: boolean },
): Promise<void> {
  const { terminal } = context
  const saved = new Set<string>()
  const dim = terminal.noteStyle.dim
  let legendShown: string | undefined
  let lost: OutriderError | undefined
  if (interactive) {
    // Compiled beforehand, so that the figures of the first answer are those of answering.
    await session.warmUp(warmUpProgress(terminal), context.signal)
    terminal.note(dim(`${greeting(session)}\n`))
  }
  for (;;) {
    const line = await lines.ask()
    if (line === undefined || line.trim() === '/exit') break
    if (line.trim() === '') continue
    try {
      if (line.startsWith('/')) terminal.note(await runSlashCommand(line, { session, saved }))
      else {
        const legend = terminal.coloured && session.drafts ? tokenLegend(terminal.style, sourcesOf(session)) : undefined
        if (legend !== undefined && legend !== legendShown) terminal.print(legend)
        legendShown = legend ?? legendShown
        await exchange(context, session, lines, line.trim())
      }
    } catch (error) {
      if (!interactive || context.signal.aborted) throw error
      terminal.warn(errorText(error, { verbose: false, style: terminal.noteStyle }))
      if (error instanceof OutriderError && error.code === 'DEVICE_LOST') {
        lost = error
        terminal.note('Nothing more can be answered; /save still saves what was said.')
      }
    }
    if (interactive) terminal.note('')
  }
  if (lost) throw lost
  const { speculation } = session
  if (interactive && speculation && speculation.numDrafts > 0)
    terminal.note(
      dim(
        `In all: τ ${fixed(speculation.blockEfficiency)} · α ${fixed(speculation.acceptanceRate)} · accepted/drafted ${fixed(speculation.draftAcceptanceRate)} · ${count(speculation.numTargetPasses)} target passes${[
          draftersText(speculation),
          speculation.costs ? paysText(speculation) : '',
          session.settings.draftStop === 'auto' ? stopsText(speculation) : '',
        ]
          .filter(Boolean)
          .map((line) => `\n${line}`)
          .join('')}`,
      ),
    )
}

/** One question and its answer. */
async function exchange(context: Context, session: ChatSession, lines: LineSource, question: string): Promise<void> {
  const { terminal } = context
  const dim = terminal.noteStyle.dim
  session.conversation.ask(question)
  const stop = new AbortController()
  // Whoever does not want to wait for the step at hand ends the command, as Ctrl-C does elsewhere.
  const release = lines.listen(() => (stop.signal.aborted ? process.emit('SIGINT') : stop.abort()))
  try {
    sayDropped(terminal.note.bind(terminal), fitted(session), session)
    const show = answerWriter(terminal)
    const answer = await session.answer(show.piece, AbortSignal.any([context.signal, stop.signal]))
    if (show.lineOpen()) terminal.print()
    throwIfAborted(context.signal)
    if (answer.text === '' && answer.finishReason === 'stopped')
      return terminal.note(dim('Stopped before the first word; the question is taken back (↑ brings it again).'))
    if (answer.text === '') terminal.note(dim('(an empty answer)'))
    for (const line of figures(answer, session.settings, session.speculation)) terminal.note(dim(line))
    if (answer.advice) terminal.note(`${answer.advice.what}:\n${answer.advice.flag}, or /draft lookup now`)
    if (answer.contextFull) terminal.note('Next time the oldest messages are left out; /new begins anew.')
  } finally {
    release()
  }
}

/** Writes an answer as it comes: at a terminal in colours, between words; elsewhere as it is. */
function answerWriter(terminal: Terminal): { piece: (piece: AnswerPiece) => void; lineOpen: () => boolean } {
  if (terminal.isTerminal) {
    const paint = tokenColours(terminal.style)
    const wrap = new WordWrap(
      (text) => terminal.write(text),
      () => terminal.columns,
    )
    return { piece: (piece) => wrap.write(printable(piece.text), paint(piece)), lineOpen: () => wrap.lineOpen }
  }
  const paint = terminal.coloured ? tokenColours(terminal.style) : undefined // FORCE_COLOR
  let open = false
  return {
    piece(piece) {
      terminal.write(paint ? paint(piece)(piece.text) : piece.text)
      open = !piece.text.endsWith('\n')
    },
    lineOpen: () => open,
  }
}

/** Who may draft the next answer. */
const sourcesOf = ({ draft, learning, settings }: ChatSession): string[] => [
  ...(settings.lookup ? ['prompt', ...(learning || draft?.answers ? ['answers'] : [])] : []),
  ...(draft?.model ? ['model'] : []),
]

/** Makes room for an answer; a question that cannot be answered is taken back. */
function fitted(session: ChatSession): number {
  try {
    return session.fit()
  } catch (error) {
    session.conversation.takeBack()
    throw error
  }
}

function sayDropped(note: (text: string) => void, exchanges: number, { target, conversation }: ChatSession): void {
  if (exchanges === 0) return
  const what = exchanges === 1 ? 'the oldest question and its answer' : `the ${exchanges} oldest questions and answers`
  const { dropped, messages } = conversation
  note(
    `The model's context of ${target.config.contextLength} tokens is full: ${what}\nare no longer sent (${dropped} of ${messages.length} messages; /save still has them, /new begins anew).`,
  )
}

function greeting({ drafts, settings }: ChatSession): string {
  const how = settings.lookup ? 'Looks up what was said' : 'Draft on'
  const pair = drafts ? `${how}, γ ${settings.draftLength}` : 'No draft (--draft DIR brings one)'
  return `${pair}, temperature ${settings.temperature}. /help lists what can be changed.`
}

import { createInterface, emitKeypressEvents, type Key } from 'node:readline'
import type { History } from './history'
import { JoinedLines, type LineSource } from './line-source'

/** A terminal to read keys from. */
export type KeyInput = NodeJS.ReadableStream & { isTTY?: boolean; setRawMode?: (raw: boolean) => unknown }

export interface LineEditorOptions {
  input: KeyInput
  output: NodeJS.WritableStream
  /** Before the first line of a message, and before the others. */
  prompts: { first: string; next: string }
  /** What is said after the first Ctrl-C. */
  leaveHint: string
  history: History
  /** readline's completer. */
  complete: (line: string) => [string[], string]
}

const bracketedPaste = { on: '\x1b[?2004h', off: '\x1b[?2004l' }

/**
 * Messages that a person types: editing, history and completion are readline's. A line that ends in a backslash and lines
 * that are pasted stay together. Ctrl-C clears what was typed; a second one, or Ctrl-D, ends.
 */
export function lineEditor({ input, output, prompts, leaveHint, history, complete }: LineEditorOptions): LineSource {
  let ended = false
  /** Typed while an answer was given. */
  let typedAhead = ''
  let stopAsking: (() => void) | undefined

  const ask = () =>
    new Promise<string | undefined>((resolve) => {
      const settle = (message: string | undefined) => {
        stopAsking = undefined
        output.write(bracketedPaste.off)
        ended ||= message === undefined
        resolve(message)
      }
      /** @param interrupted  whether Ctrl-C was the last key */
      const read = (interrupted: boolean) => {
        const close = readMessage(
          { input, output, prompts, history, complete },
          {
            onMessage: settle,
            onInterrupt(untouched) {
              output.write('\n')
              if (interrupted && untouched) return settle(undefined)
              output.write(`${leaveHint}\n`)
              read(true)
            },
            typed: typedAhead,
          },
        )
        typedAhead = ''
        stopAsking = () => {
          close()
          settle(undefined)
        }
      }
      output.write(bracketedPaste.on)
      read(false)
    })

  return {
    ask: () => (ended ? Promise.resolve(undefined) : ask()),
    listen(onInterrupt) {
      const onKey = (text: string | undefined, key: Key) => {
        if (key.ctrl && key.name === 'c') onInterrupt()
        else if (key.name === 'backspace') typedAhead = typedAhead.slice(0, -1)
        else if (text && !key.ctrl && !key.meta && text >= ' ') typedAhead += text
      }
      emitKeypressEvents(input)
      input.setRawMode?.(true)
      input.on('keypress', onKey)
      input.resume()
      return () => {
        input.off('keypress', onKey)
        input.pause()
        input.setRawMode?.(false)
      }
    },
    close() {
      ended = true
      stopAsking?.()
    },
  }
}

interface MessageEvents {
  /** A whole message; undefined after Ctrl-D. Nothing is read any more then. */
  onMessage(message: string | undefined): void
  /** Ctrl-C, and whether nothing was typed before it. Nothing is read any more then. */
  onInterrupt(untouched: boolean): void
  /** What stands in the first line to begin with. */
  typed: string
}

/** Reads one message; the function that it returns ends that. */
function readMessage(
  { input, output, prompts, history, complete }: Omit<LineEditorOptions, 'leaveHint'>,
  { onMessage, onInterrupt, typed }: MessageEvents,
): () => void {
  const message = new JoinedLines()
  let pasting = false
  let touched = false
  const reader = createInterface({
    input,
    output,
    terminal: true,
    prompt: prompts.first,
    history: [...history.entries],
    historySize: 1000,
    completer: complete,
  })
  const onKey = (_: string | undefined, key: Key) => {
    if (key.name === 'paste-start') pasting = true
    if (key.name === 'paste-end') pasting = false
    touched ||= !(key.ctrl && key.name === 'c')
  }
  const close = () => {
    input.off('keypress', onKey)
    reader.off('close', onClose)
    reader.close()
  }
  const onClose = () => {
    close()
    output.write('\n') // the cursor is still behind the prompt
    onMessage(undefined)
  }
  input.on('keypress', onKey)
  reader.on('close', onClose)
  reader.on('line', (line) => {
    const whole = message.push(line, { more: pasting })
    if (whole === undefined) {
      reader.setPrompt(prompts.next)
      return reader.prompt()
    }
    close()
    if (whole.trim() !== '') history.add(whole.trimEnd())
    onMessage(whole)
  })
  reader.on('SIGINT', () => {
    reader.write(null, { ctrl: true, name: 'e' }) // to the end of what was typed, below which it goes on
    close()
    onInterrupt(!touched)
  })
  reader.prompt()
  if (typed) reader.write(typed)
  return close
}

import { createInterface } from 'node:readline'
import { JoinedLines, type LineSource } from './line-source'

/** Messages from a pipe or a file, or from a person whose answers go elsewhere: `prompt` is called before each then. */
export function pipedLines(input: NodeJS.ReadableStream, prompt: () => void): LineSource {
  const reader = createInterface({ input, terminal: false })
  const lines = reader[Symbol.asyncIterator]()
  return {
    async ask() {
      const message = new JoinedLines()
      for (;;) {
        prompt()
        const { done, value } = await lines.next()
        if (done) return message.pending ? message.take() : undefined
        const whole = message.push(value)
        if (whole !== undefined) return whole
      }
    },
    listen: () => () => undefined, // Ctrl-C is a signal here, and ends the command
    close: () => reader.close(),
  }
}

import type { Command } from 'commander'
import type { Context } from './context'

/** The body of a command: prints its summary for people and returns the object that `--json` prints. */
export type Action<Options> = (context: Context, options: Options, ...operands: string[]) => Promise<object>

/** Runs an action in the frame: device, Ctrl-C, `--json`, errors. */
export type Run = (body: (context: Context) => Promise<object>, command: Command) => Promise<void>

/** What a `commands/*.ts` file exports: it adds its command to the program. */
export type AddCommand = (program: Command, run: Run) => void

/** The options that every command has. */
export function withOutputOptions(command: Command): Command {
  return command
    .option('--json', 'print one JSON object on standard output and nothing else')
    .option('--verbose', 'print the stack of an error')
}

/** Examples at the end of a command's help. */
export function withExamples(command: Command, examples: readonly [does: string, line: string][]): Command {
  return command.addHelpText(
    'after',
    `\nExamples:\n${examples.map(([does, line]) => `  # ${does}\n  $ ${line}`).join('\n\n')}\n`,
  )
}

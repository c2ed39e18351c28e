import { OutriderError } from '@outrider/tensor'
import type { Command } from 'commander'
import { CommanderError } from 'commander'
import type { KeyInput } from './chat/line-editor'
import { Context } from './context'
import { errorJson, errorText } from './error-text'
import { exitCode, exitCodeOf } from './exit-code'
import { interruption } from './interruption'
import { buildProgram } from './program'
import { type Stream, Terminal } from './terminal'

/** The surroundings of a run, so that tests can stand in for the process. */
export interface Surroundings {
  out: Stream
  err: Stream
  input: KeyInput
  env: NodeJS.ProcessEnv
}

/**
 * Runs `outrider` with these arguments (without the names of node and program).
 *
 * @returns the exit status; nothing is thrown and the process is not ended
 */
export async function run(args: readonly string[], surroundings: Surroundings = process_()): Promise<number> {
  const { out, err, env } = surroundings
  const json = args.includes('--json')
  const verbose = args.includes('--verbose')
  const terminal = new Terminal({ out, err, env, json })
  const program = buildProgram((body, command) => inFrame(body, command, terminal, surroundings))
  for (const command of [program, ...program.commands])
    command.exitOverride().configureOutput({
      writeOut: (text) => out.write(text),
      writeErr: () => undefined, // a wrong usage is reported below, once
      getOutHelpWidth: () => Math.min(out.columns ?? 100, 120),
    })
  try {
    if (args.length === 0) return usageOnly(program, err)
    await program.parseAsync([...args], { from: 'user' })
    return exitCode.ok
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return exitCode.ok // --help, --version
    if (error instanceof Interrupted) return exitCode.interrupted
    const shown = error instanceof CommanderError ? usageError(error) : error
    if (json) terminal.printJson({ error: errorJson(shown) })
    terminal.warn(errorText(shown, { verbose, style: terminal.noteStyle }))
    return exitCodeOf(error)
  }
}

class Interrupted extends Error {}

async function inFrame(
  body: (context: Context) => Promise<object>,
  command: Command,
  terminal: Terminal,
  surroundings: Surroundings,
) {
  const stop = interruption(
    () => terminal.note('\nStopping… (Ctrl-C again ends at once)'),
    () => context.destroyDevice(),
  )
  const context = new Context(terminal, stop.signal, surroundings)
  try {
    const result = await body(context)
    terminal.endProgress()
    if (terminal.json) terminal.printJson(result)
  } catch (error) {
    if (!stop.signal.aborted) throw error
    const text = `${command.name()} was stopped.${context.resume ? ` ${context.resume}` : ''}`
    if (terminal.json) terminal.printJson({ error: { code: 'ABORTED', message: text } })
    terminal.warn(text)
    throw new Interrupted(text, { cause: error })
  } finally {
    stop.release()
    await context.dispose()
  }
}

/** Commander's message without its own "error:", its suggestion kept on the same line. */
const usageError = (error: CommanderError): Error =>
  new OutriderError('INVALID_ARGUMENT', error.message.replace(/^error: /, '').replace(/\n/, ' '), {
    remedy: '`--help` lists what there is.',
  })

function usageOnly(program: Command, err: Stream): number {
  err.write(program.helpInformation())
  return exitCode.usage
}

const process_ = (): Surroundings => ({
  out: process.stdout,
  err: process.stderr,
  input: process.stdin,
  env: process.env,
})

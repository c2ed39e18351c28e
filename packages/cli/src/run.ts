import type { Command } from 'commander'
import { CommanderError } from 'commander'
import type { KeyInput } from './chat/line-editor'
import { Context } from './context'
import { checkDraftSource, DraftOption, draftSource } from './draft/draft-source'
import { errorJson, errorText } from './error-text'
import { exitCode, exitCodeOf } from './exit-code'
import { interruption } from './interruption'
import { checkInputFile } from './missing-path'
import { checkModelSource } from './model-source'
import { buildProgram } from './program'
import { outputFailure, type StandardStreams, standardStreams } from './standard-streams'
import { type Stream, Terminal } from './terminal'
import { usageError } from './usage-error'

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
  const streams = standardStreams(surroundings.out, surroundings.err)
  const status = await statusOf(args, surroundings, streams)
  await streams.settled()
  return streams.failure ? endWithoutOutput(streams.failure, surroundings.err) : status
}

/** The exit status where standard output took nothing more; why is said in a line, where it is no reader that left. */
function endWithoutOutput(failure: NodeJS.ErrnoException, err: Stream): number {
  const told = outputFailure(failure)
  if (told === undefined) return exitCode.ok
  err.write(`error: ${told}\n`)
  return exitCode.failure
}

async function statusOf(
  args: readonly string[],
  surroundings: Surroundings,
  streams: StandardStreams,
): Promise<number> {
  const { out, err, env } = surroundings
  const json = args.includes('--json')
  const verbose = args.includes('--verbose')
  const terminal = new Terminal({ out, err, env, json })
  const program = buildProgram((body, command) => inFrame(body, command, { terminal, surroundings, streams }))
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
    if (streams.failure) return exitCode.failure // told of once, by its cause
    const shown = error instanceof CommanderError ? usageError(error, args) : error
    if (json) terminal.printJson({ error: errorJson(shown) })
    terminal.warn(errorText(shown, { verbose, style: terminal.noteStyle }))
    return exitCodeOf(error)
  }
}

class Interrupted extends Error {}

/** Before the first model is opened: that may take minutes, and what comes after it may not be there. */
async function checkInputs(command: Command): Promise<void> {
  const options = command.opts<Record<string, unknown>>()
  const given = (name: string) => [options[name]].flat().filter((value) => typeof value === 'string')
  const mayLookUp = command.options.some((option) => option instanceof DraftOption)
  // Of a target elsewhere the model's name is whatever it is called there.
  const isElsewhere = ['endpoint', 'writeBatch', 'readBatch'].some((option) => options[option] !== undefined)
  const models = isElsewhere ? ['target'] : ['model', 'target']
  for (const name of [...models, ...(mayLookUp ? [] : ['draft'])])
    for (const source of given(name)) await checkModelSource(`--${name}`, source)
  if (mayLookUp) for (const source of given('draft')) await checkDraftSource(source)
  // Of plain text a pattern may be given, which is no path.
  for (const name of ['data', 'seeds', 'prompts', 'text', 'validation'])
    for (const path of given(name)) if (!path.includes('*')) await checkInputFile(`--${name}`, path)
}

/** What says how a draft is used is of no use without one: the answer is the same, and comes as slowly. */
function ofNoDraft(command: Command): string | undefined {
  const own = (name: string) => command.options.find((option) => option.attributeName() === name)
  const draft = own('draft')
  if (!draft) return undefined
  const source: string | undefined = command.getOptionValue('draft')
  const isGiven = (name: string) => own(name) && command.getOptionValueSource(name) === 'cli'
  if (source === undefined) {
    const given = ofDraft.find(isGiven)
    return given && `${own(given)!.long} is of no use here: no --draft is given.`
  }
  const runsNone = draft instanceof DraftOption && draftSource(source).place === undefined && isGiven('draftDtype')
  return runsNone ? '--draft-dtype is of no use here: what is looked up runs no model.' : undefined
}

const ofDraft = ['draftLength', 'draftStop', 'verification', 'draftDtype']

async function inFrame(
  body: (context: Context) => Promise<object>,
  command: Command,
  { terminal, surroundings, streams }: { terminal: Terminal; surroundings: Surroundings; streams: StandardStreams },
) {
  const stop = interruption(
    () => terminal.note('\nStopping… (Ctrl-C again ends at once)'),
    () => context.destroyDevice(),
  )
  const context = new Context(terminal, AbortSignal.any([stop.signal, streams.signal]), surroundings)
  const patience = endLate(streams, context, surroundings.err)
  try {
    await checkInputs(command)
    const useless = ofNoDraft(command)
    if (useless !== undefined) terminal.warn(useless)
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
    patience.release()
    await context.dispose()
  }
}

/** How long work may take to stop by itself when its output takes nothing more. */
const patienceMilliseconds = 5000

/** Ends the process where a command does not stop by itself when nobody can be given its results. */
function endLate(streams: StandardStreams, context: Context, err: Stream): { release(): void } {
  const { signal } = streams
  let timer: NodeJS.Timeout | undefined
  const end = async () => {
    await context.dispose()
    process.exit(endWithoutOutput(streams.failure!, err))
  }
  const onFailure = () => {
    timer = setTimeout(end, patienceMilliseconds)
  }
  signal.addEventListener('abort', onFailure)
  return {
    release() {
      signal.removeEventListener('abort', onFailure)
      clearTimeout(timer)
    },
  }
}

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

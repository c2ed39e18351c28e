import { OutriderError } from '@outrider/tensor'
import { nearest } from '@outrider/tensor/internal'
import type { Command, CommanderError } from 'commander'
import { ofOtherTools } from './options/other-tools'
import { buildProgram } from './program'

/**
 * What is told of a wrong usage: Commander's message without its own "error:", its suggestion on the same line. An option that
 * does not exist is named before one that is missing: it is most likely that one, under the name that another tool has for it.
 */
export function usageError(error: CommanderError, args: readonly string[]): OutriderError {
  const isOfOptions = ['commander.missingMandatoryOptionValue', 'commander.unknownOption'].includes(error.code)
  const unknown = isOfOptions ? unknownOption(args) : undefined
  const message = unknown ?? ofHelp(error, args) ?? error.message.replace(/^error: /, '').replace(/\n/, ' ')
  const isOfOperands = ['commander.missingMandatoryOptionValue', 'commander.excessArguments'].includes(error.code)
  const stray = isOfOperands && unknown === undefined ? strayOperand(args) : undefined
  const whole = stray === undefined ? message : `${message.replace(/\.$/, '')}. '${stray}' stands behind no option.`
  return new OutriderError('INVALID_ARGUMENT', whole, { remedy: '`--help` lists what there is.' })
}

/** Commander has no words for help of a command that is not there. */
function ofHelp({ code }: CommanderError, args: readonly string[]): string | undefined {
  const name = args.find((arg) => arg !== 'help' && !arg.startsWith('-'))
  if (code !== 'commander.help' || name === undefined) return undefined
  const names = buildProgram(async () => undefined).commands.map((command) => command.name())
  const meant = nearest(name, names)
  return `unknown command '${name}'${meant === undefined ? '' : ` (Did you mean ${meant}?)`}`
}

function unknownOption(args: readonly string[]): string | undefined {
  const { command, unknown } = understood(args)
  const [first] = unknown
  const flag = first?.startsWith('-') ? first.replace(/=.*$/s, '') : undefined
  return flag === undefined ? undefined : `unknown option '${flag}'${suggestion(flag, command)}`
}

/** A path that no option stands before, as other tools take their models. */
function strayOperand(args: readonly string[]): string | undefined {
  const { command, operands } = understood(args)
  return operands[command.registeredArguments.length]
}

/** What Commander makes of the arguments; nothing where a value of an option is wrong, which it has said then. */
function understood(args: readonly string[]): { command: Command; operands: string[]; unknown: string[] } {
  const program = buildProgram(async () => undefined)
  const names = program.commands.map((command) => command.name())
  const at = args.findIndex((arg) => names.includes(arg))
  const command = (program.commands.find((command) => command.name() === args[at]) ?? program).exitOverride()
  try {
    return { command, ...command.parseOptions(args.slice(at + 1)) }
  } catch {
    return { command, operands: [], unknown: [] }
  }
}

function suggestion(flag: string, command: Command): string {
  const known = command.options.flatMap(({ long }) => (long ? [long] : []))
  const meant = ofOtherTools(flag).find((name) => known.includes(name)) ?? nearest(flag.replaceAll('_', '-'), known)
  return meant === undefined ? '' : ` (Did you mean ${meant}?)`
}

import { Command, type Option } from 'commander'
import { version } from '../package.json'
import type { Run } from './command'
import { addAlign } from './commands/align'
import { addChat } from './commands/chat'
import { addComplete } from './commands/complete'
import { addDemo } from './commands/demo'
import { addDistill } from './commands/distill'
import { addDoctor } from './commands/doctor'
import { addEvaluate } from './commands/evaluate'
import { addExport } from './commands/export'
import { addGenerate } from './commands/generate'
import { addPretrain } from './commands/pretrain'
import { addScore } from './commands/score'
import { addServe } from './commands/serve'
import { addTable } from './commands/table'
import { addTune } from './commands/tune'
import { exitCodeHelp } from './exit-code'
import { once } from './options/parse'

/** The command line: its commands in the order of the work. */
export function buildProgram(run: Run): Command {
  const program = new Command('outrider')
    .description(
      'Trains a small draft that speaks like your chat model, and uses it to make that model answer faster without changing a single probability.',
    )
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .helpCommand('help [command]', 'print help for a command')
    .showSuggestionAfterError()
    .addHelpText(
      'after',
      `${exitCodeHelp}\n\nStart with \`outrider demo\`, the whole road in a few minutes, or \`outrider doctor\`.`,
    )
  for (const add of [
    addAlign,
    addPretrain,
    addGenerate,
    addScore,
    addDistill,
    addTable,
    addEvaluate,
    addComplete,
    addChat,
    addServe,
    addExport,
    addTune,
    addDemo,
    addDoctor,
  ])
    add(program, run)
  for (const { options } of program.commands) for (const option of options) if (namesInput(option)) once(option)
  return program
}

const namesInput = ({ flags, variadic, parseArg }: Option): boolean =>
  /<(dir|file|path|text)>$/.test(flags) && !variadic && !parseArg

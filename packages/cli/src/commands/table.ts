import { answersIn, rowFiles } from '@outrider/dataset'
import { AnswerTable } from '@outrider/speculative'
import { OutriderError } from '@outrider/tensor'
import { openCausalLM, throwIfAborted } from '@outrider/transformer'
import { type AddCommand, withExamples, withOutputOptions } from '../command'
import type { Context } from '../context'
import { answersFile, mostCapacity, tokenBytes } from '../draft/answers-file'
import { modelSource } from '../options/groups'
import { integer } from '../options/parse'
import { claimFile } from '../outputs/index'
import { type RowFlags, rowReading, rowSource, withRows } from '../rows'
import { bytes, count, duration } from '../terminal'

interface TableFlags extends RowFlags {
  model: string
  data: string[]
  out: string
  capacity: number
}

export const addTable: AddCommand = (program, run) => {
  const command = program
    .command('table')
    .summary("a table of a model's answers, to draft from without a model")
    .description(
      `Keeps what a model answered, so that it is looked up when the model is about to say it again: \`--draft lookup+DIR\` drafts from the conversation, then from DIR/${answersFile}, then by the draft in DIR, if there is one. Nothing is trained and no device is needed: seconds, where a draft takes hours.`,
    )
    .requiredOption('--model <dir>', `the model that gave the answers: ${modelSource}; only its tokenizer is read`)
    .requiredOption(
      '--data <files...>',
      `conversations with its answers, as outrider generate writes them (${rowSource})`,
    )
    .requiredOption('--out <dir>', `where ${answersFile} is written: the folder of a draft, or one of its own`)
    .option(
      '--capacity <n>',
      `tokens that are kept, the newest; each takes ${tokenBytes.memory} bytes of memory and ${tokenBytes.file} of the file`,
      integer({ least: 2, most: mostCapacity }),
      AnswerTable.usualCapacity,
    )
  withExamples(withOutputOptions(withRows(command)), [
    ['Beside a draft', 'outrider table --model ./model --data distill.jsonl --out ./draft'],
    ['Used with it', 'outrider chat --model ./model --draft lookup+./draft'],
    [
      'Without any draft: answers, the table, faster answers',
      'outrider generate --target ./model --seeds seeds.jsonl --out answers.jsonl && outrider table --model ./model --data answers.jsonl --out ./said && outrider serve --model ./model --draft lookup+./said',
    ],
  ])
  command.action((flags: TableFlags) => run((context) => table(context, flags), command))
}

async function table(context: Context, { model, data, out, capacity, skipBadRows }: TableFlags): Promise<object> {
  const { terminal, signal } = context
  const path = `${out.replace(/[/\\]+$/, '') || out}/${answersFile}`
  const file = await claimFile(context, path, { inputs: { '--model': model, '--data': data } })
  const reading = rowReading(terminal, { skipBadRows })
  const speaker = await openCausalLM(model, { signal, onWarning: context.onWarning })
  context.resume = 'Nothing was written; the same command begins anew.'
  const answers = new AnswerTable(speaker.tokenizer, { capacity })
  const progress = terminal.progress({ label: 'table', unit: 'answers' })
  const began = performance.now()
  let [read, tokens] = [0, 0]
  for await (const answer of answersIn(rowFiles(data, reading.options), speaker)) {
    answers.add(answer)
    tokens += answer.length
    progress.update(++read, `${count(tokens)} tokens`)
    if (read % answersPerTurn === 0) await new Promise((resolve) => setImmediate(resolve)) // Ctrl-C is heard
    throwIfAborted(signal)
  }
  terminal.endProgress()
  if (read === 0)
    throw new OutriderError('INVALID_ARGUMENT', `${data.join(', ')} has no answers.`, {
      remedy: 'Give conversations with answers of the model; outrider generate makes them.',
    })
  const content = answers.toBytes()
  await file.directory.write(file.file, content)
  const seconds = (performance.now() - began) / 1000
  const kept = answers.size < tokens ? `, the newest ${count(answers.size)} of ${count(tokens)} kept` : ''
  terminal.print(
    `${count(read)} answers, ${count(tokens)} tokens${kept}: ${path}, ${bytes(content.length)} (${bytes(tokenBytes.memory * capacity)} of memory), in ${duration(seconds)}`,
  )
  terminal.print(`It is used with --draft lookup+${out}`)
  return {
    out: path,
    answers: read,
    tokens,
    kept: answers.size,
    capacity,
    bytes: content.length,
    seconds,
    ...reading.summary(),
  }
}

const answersPerTurn = 64

import { textFiles } from '@outrider/dataset'
import { pretrain } from '@outrider/training'
import { compareVocabularies, createDraft, openCausalLM } from '@outrider/transformer'
import { type AddCommand, withExamples, withOutputOptions } from '../command'
import type { Context } from '../context'
import { describeModel, openModel } from '../models'
import { modelSource } from '../options/groups'
import { integer } from '../options/parse'
import { type TrainingFlags, withTraining } from '../options/training'
import { claimDirectory } from '../outputs/index'
import { type RowFlags, rowReading, withRows } from '../rows'
import { trainingRun } from '../training-run'

interface PretrainFlags extends TrainingFlags, RowFlags {
  target: string
  draft?: string
  layers: number
  hiddenSize: number
  heads?: number
  kvHeads?: number
  intermediateSize?: number
}

export const addPretrain: AddCommand = (program, run) => {
  const command = program
    .command('pretrain')
    .summary('a new draft for a target, trained on plain text')
    .description(
      'Makes a small Llama with the vocabulary of the target and trains it on plain text to predict the next token. The first stage.',
    )
    .requiredOption(
      '--target <dir>',
      `the model that is to be sped up (${modelSource}); only its tokenizer and configuration are used`,
    )
    .requiredOption(
      '--text <files...>',
      'plain text, whose documents are separated by lines <|endoftext|>; or rows with a text: Parquet, .jsonl',
    )
    .option('--layers <n>', 'layers of the draft', integer({ least: 1 }), 2)
    .option('--hidden-size <n>', 'width of the draft', integer({ least: 2 }), 256)
    .option('--heads <n>', 'query heads (default: as wide as those of the target)', integer({ least: 1 }))
    .option('--kv-heads <n>', 'key and value heads (default: as many as query heads)', integer({ least: 1 }))
    .option('--intermediate-size <n>', 'width of the MLP (default: 2.75 × the width)', integer({ least: 1 }))
    .option('--draft <dir>', 'go on with this draft instead of a new one')
  withExamples(withOutputOptions(withRows(withTraining(command, { steps: 2000, learningRate: 1e-3 }))), [
    [
      'The draft of the paper, for Llama 2 Chat',
      'outrider pretrain --target ./llama-2-7b-chat --text corpus/*.txt --layers 4 --hidden-size 1024 --intermediate-size 2816 --heads 8 --steps 200000 --out ./draft',
    ],
    [
      'A small one on a laptop',
      'outrider pretrain --target ./model --text stories.txt --layers 1 --hidden-size 64 --steps 500 --out ./draft',
    ],
    [
      'Go on after Ctrl-C',
      'outrider pretrain --target ./model --text stories.txt --layers 1 --hidden-size 64 --steps 500 --out ./draft --resume',
    ],
  ])
  command.action((flags: PretrainFlags) => run((context) => pretrainDraft(context, flags), command))
}

async function pretrainDraft(context: Context, flags: PretrainFlags): Promise<object> {
  const { terminal } = context
  const { layers, hiddenSize, heads, kvHeads, intermediateSize, seed } = flags
  await claimDirectory(context, flags.out, {
    kind: 'run',
    anew: !flags.resume,
    inputs: {
      '--target': flags.target,
      '--draft': flags.draft,
      '--text': flags.text,
      '--validation': flags.validation,
    },
  })
  const target = await openCausalLM(flags.target, { signal: context.signal, onWarning: context.onWarning })
  const draft =
    flags.draft === undefined
      ? createDraft(target, {
          layers,
          hiddenSize,
          seed,
          device: await context.device(),
          ...(heads && { heads }),
          ...(kvHeads && { kvHeads }),
          ...(intermediateSize && { intermediateSize }),
        })
      : await openModel(context, flags.draft, 'draft', 'f32')
  if (flags.draft !== undefined) compareVocabularies(target, draft)
  terminal.noteParagraph(`Draft: ${describeModel(draft)}`, '  ')
  const reading = rowReading(terminal, flags)
  const result = await trainingRun(context, flags, {
    label: 'pretrain',
    draft,
    target,
    validation: flags.validation && textFiles(flags.validation, reading.options),
    train: (options) => pretrain(draft, textFiles(flags.text, reading.options), options),
  })
  return { ...result, ...reading.summary() }
}

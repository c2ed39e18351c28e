import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { rowFiles } from '@outrider/dataset'
import { OutriderError } from '@outrider/tensor'
import {
  type ComparedElsewhere,
  compareVocabularies,
  loadDtypes,
  type ObstacleElsewhere,
  obstaclesElsewhere,
  openCausalLM,
  parameterCount,
  type SaveGgufOptions,
  saveCausalLM,
  saveGguf,
} from '@outrider/transformer'
import { Option } from 'commander'
import { type AddCommand, withExamples, withOutputOptions } from '../command'
import type { Context } from '../context'
import { answersLeftIn } from '../draft/answers-file'
import { openModel } from '../models'
import { countedVocabulary, type DraftVocabularyFlags, withDraftVocabulary } from '../options/draft-vocabulary'
import { modelSource } from '../options/groups'
import { integer, number } from '../options/parse'
import { claimDirectory, claimFile } from '../outputs/index'
import { type RowFlags, rowReading, rowSource, withRows } from '../rows'
import { bytes } from '../terminal'

/** Element types that are written, in one format or the other. */
const dtypes = [...loadDtypes, 'q5_1', 'q5_0', 'q4_1'] as const

interface ExportFlags extends DraftVocabularyFlags, RowFlags {
  data?: string[]
  model: string
  out: string
  format?: 'safetensors' | 'gguf'
  dtype: (typeof dtypes)[number]
  tableDtype?: (typeof dtypes)[number]
  coveredHead?: boolean
  acceptDifferences?: boolean
  target?: string
  draftLength?: number
  draftStop?: number
}

export const addExport: AddCommand = (program, run) => {
  const command = program
    .command('export')
    .summary('a model as safetensors or GGUF, for the server that you run')
    .description(
      'Writes a model, for instance an aligned draft, as a Hugging Face directory (transformers, vLLM) or as a GGUF file (llama.cpp, as the draft of -md). What cannot be written exactly as it is meant is refused.',
    )
    .requiredOption('--model <dir>', `the model: ${modelSource}`)
    .requiredOption('--out <path>', 'a directory for safetensors, a file for GGUF')
    .addOption(
      new Option('--format <format>', 'default: gguf where --out ends in .gguf, else safetensors').choices([
        'safetensors',
        'gguf',
      ]),
    )
    .addOption(
      new Option('--dtype <dtype>', 'of the matrices; bf16 is for safetensors, what begins with q for GGUF')
        .choices(dtypes)
        .default('f32'),
    )
    .addOption(
      new Option(
        '--table-dtype <dtype>',
        'GGUF: of the embedding and the head; default: as --dtype, q8_0 for what has fewer bits',
      ).choices(dtypes),
    )
    .option(
      '--covered-head',
      'GGUF: of a draft that says some ids alone, write the rows of these alone: smaller, and for Outrider alone',
    )
    .option(
      '--accept-differences',
      'GGUF: write a tokenizer that llama.cpp cannot follow in every text (it does not normalise Unicode, say), and tell what differs; refused otherwise',
    )
    .option('--target <dir>', `also check that other engines take it as a draft for this one: ${modelSource}`)
    .option(
      '--draft-length <n>',
      'safetensors: how many tokens transformers drafts for a pass with it as assistant_model; its own default is 20',
      integer({ least: 1 }),
    )
    .option(
      '--draft-stop <p>',
      'safetensors: transformers drafts no further behind a token of which it is less sure; its own default is 0.4, 0 is never',
      number({ least: 0, most: 0.999 }),
    )
    .option('--data <files...>', `answers of the target, whose ids are counted (${rowSource})`)
  withDraftVocabulary(command)
  withExamples(withOutputOptions(withRows(command)), [
    ['A draft for llama.cpp', 'outrider export --model ./draft-aligned --out draft.gguf --dtype f16'],
    ['Half the size, for vLLM', 'outrider export --model ./draft-aligned --out ./draft-bf16 --dtype bf16'],
    [
      'As small as can be, for Outrider alone: a draft of 8192 ids without the rows of the others',
      'outrider export --model ./draft-aligned --out draft.gguf --dtype q5_1 --table-dtype q5_1 --covered-head',
    ],
    [
      'For transformers, which drafts five tokens a pass then, and checked beside the target',
      'outrider export --model ./draft-aligned --out ./draft-5 --draft-length 5 --draft-stop 0 --target ./model',
    ],
    [
      'A draft that says only what the target says often',
      'outrider export --model ./draft-aligned --data answers.jsonl --draft-vocabulary 8192 --out ./draft-trimmed',
    ],
  ])
  command.action((flags: ExportFlags) => run((context) => exportModel(context, flags), command))
}

async function exportModel(
  context: Context,
  {
    model,
    out,
    dtype,
    tableDtype,
    coveredHead,
    data,
    acceptDifferences = false,
    draftLength,
    draftStop,
    ...flags
  }: ExportFlags,
): Promise<object> {
  const { terminal } = context
  const isGguf = /\.gguf$/i.test(out)
  const format = flags.format ?? (isGguf ? 'gguf' : 'safetensors')
  if (format === 'safetensors' && (isGguf || /\.(safetensors|bin|pth?)$/i.test(out)))
    throw new OutriderError('INVALID_ARGUMENT', `--out ${out} is named as a file, and safetensors are a directory.`, {
      remedy:
        'Name a directory: weights, configuration and tokenizer are written into it. For one file, end it in .gguf.',
    })
  if ((format === 'gguf' && dtype === 'bf16') || (format === 'safetensors' && dtype.startsWith('q')))
    throw new OutriderError('INVALID_ARGUMENT', `--dtype ${dtype} is not for --format ${format}.`, {
      remedy: `Use ${format === 'gguf' ? 'f32, f16, q8_0, q5_1, q5_0, q4_1 or q4_0' : 'f32, f16 or bf16'}.`,
    })
  const ofGguf = { '--table-dtype': tableDtype, '--covered-head': coveredHead }
  const useless = Object.entries(ofGguf).find(([, given]) => given !== undefined)?.[0]
  if (useless && format !== 'gguf')
    throw new OutriderError('INVALID_ARGUMENT', `${useless} is for --format gguf.`, {
      remedy: `Leave it out, or end --out in .gguf.`,
    })
  if (tableDtype === 'bf16')
    throw new OutriderError('INVALID_ARGUMENT', '--table-dtype bf16 is not for --format gguf.', {
      remedy: 'Use f32, f16, q8_0, q5_1, q5_0, q4_1 or q4_0.',
    })
  if (acceptDifferences && format !== 'gguf')
    throw new OutriderError('INVALID_ARGUMENT', '--accept-differences is for --format gguf.', {
      remedy: 'A Hugging Face directory has the tokenizer as it is: leave the option out.',
    })
  if (format === 'gguf' && (draftLength ?? draftStop) !== undefined)
    throw new OutriderError('INVALID_ARGUMENT', 'A GGUF file does not say how it is drafted with.', {
      remedy: `Leave --draft-length and --draft-stop out; llama.cpp is told where it is started: -md ${out} --draft-max ${draftLength ?? 5}.`,
    })
  if (draftStop !== undefined && draftLength === undefined)
    throw new OutriderError('INVALID_ARGUMENT', '--draft-stop is written with --draft-length, which is not given.', {
      remedy: 'For one: --draft-length 5.',
    })
  const inputs = { '--model': model, '--data': data, '--target': flags.target }
  const ggufFile = format === 'gguf' ? await claimFile(context, out, { inputs }) : undefined
  if (!ggufFile) await claimDirectory(context, out, { kind: 'model', inputs })
  if (data && flags.draftVocabulary === undefined)
    throw new OutriderError('INVALID_ARGUMENT', '--data is counted for --draft-vocabulary, which is not given.', {
      remedy: 'For one: --draft-vocabulary 8192.',
    })
  const reading = rowReading(terminal, flags)
  const source = data && rowFiles(data, reading.options)
  // What is passed over in its files is told of when it is loaded.
  const speaker = () => openCausalLM(model, { signal: context.signal, onWarning: () => undefined })
  const { vocabulary } = data || flags.draftVocabulary ? await countedVocabulary(flags, source, await speaker()) : {}
  const pretrained = await openModel(context, model, 'model', { vocabulary })
  const obstacles = flags.target === undefined ? undefined : await checkedBeside(context, flags.target, pretrained)
  let differences: readonly string[] = []
  if (ggufFile) {
    const { directory, file } = ggufFile
    const ofName = (name: string) => name.toUpperCase() as NonNullable<SaveGgufOptions['dtype']>
    const saved = await saveGguf(pretrained, directory, {
      ...{ file, coveredHead, acceptDifferences },
      dtype: ofName(dtype),
      tableDtype: tableDtype && ofName(tableDtype),
    })
    differences = saved.differences
  } else {
    const assistant = draftLength === undefined ? undefined : { draftLength, confidenceThreshold: draftStop }
    await saveCausalLM(pretrained, out, { dtype: dtype.toUpperCase() as 'F32' | 'F16' | 'BF16', assistant })
  }
  const answers = ggufFile ? undefined : await answersLeftIn(out, pretrained)
  const file = format === 'gguf' ? out : join(out, 'model.safetensors')
  const size = await stat(file).then(
    (found) => (found.isFile() ? found.size : undefined),
    () => undefined, // in shards
  )
  terminal.print(`${out}: ${format}, ${dtype}${size === undefined ? '' : `, ${bytes(size)}`}`)
  if (answers) terminal.noteParagraph(answers.text)
  if (coveredHead) terminal.noteParagraph('For Outrider alone: other programs demand a row of the head for every id.')
  else for (const difference of differences) terminal.noteParagraph(`In llama.cpp: ${difference}.`)
  return {
    out,
    format,
    dtype,
    ...(differences.length > 0 && { differences }),
    ...(answers && { answers: answers.kept ? 'kept' : 'removed' }),
    ...(obstacles && { obstacles }),
    parameters: parameterCount(pretrained.config),
    ...(pretrained.config.coveredIds && { vocabulary: pretrained.config.coveredIds.length }),
    ...(data && reading.summary()),
    ...(size !== undefined && { bytes: size }),
  }
}

/** Whether other engines take a draft for a target, told; what each demands and does not find. */
async function checkedBeside(
  { terminal, signal, onWarning }: Context,
  path: string,
  draft: ComparedElsewhere,
): Promise<ObstacleElsewhere[]> {
  const target = await openCausalLM(path, { signal, onWarning })
  compareVocabularies(target, draft)
  const obstacles = obstaclesElsewhere(target, draft)
  for (const { engine, what } of obstacles)
    terminal.warn(terminal.noteStyle.yellow(`${engine} does not take it as a draft for ${path}: ${what}.`))
  if (obstacles.length === 0) terminal.print(`transformers, vLLM and llama.cpp take it as a draft for ${path}`)
  return obstacles
}

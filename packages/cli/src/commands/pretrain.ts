import { type DataSource, rowFiles, textFiles } from '@outrider/dataset'
import { OutriderError } from '@outrider/tensor'
import { pretrain } from '@outrider/training'
import {
  compareVocabularies,
  createDraft,
  type OpenedModel,
  openCausalLM,
  openSpeaker,
  type PretrainedModel,
  projectEmbedding,
  type SpeakerFiles,
} from '@outrider/transformer'
import { Option } from 'commander'
import { type AddCommand, withExamples, withOutputOptions } from '../command'
import type { Context } from '../context'
import { describeModel, openModel } from '../models'
import { countedVocabulary, type DraftVocabularyFlags, withDraftVocabulary } from '../options/draft-vocabulary'
import { modelSource } from '../options/groups'
import { integer } from '../options/parse'
import { keepBestOf, type TrainingFlags, withTraining } from '../options/training'
import { claimDirectory } from '../outputs/index'
import { type RowFlags, rowReading, rowSource, withRows } from '../rows'
import { trainingRun } from '../training-run'

interface PretrainFlags extends TrainingFlags, RowFlags, DraftVocabularyFlags {
  target: string
  draft?: string
  layers: number
  hiddenSize: number
  heads?: number
  kvHeads?: number
  intermediateSize?: number
  untiedHead?: boolean
  embedding?: 'random' | 'target'
  data?: string[]
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
    .option('--untied-head', 'a head of its own beside the embedding (default: as in the target)')
    .addOption(
      new Option(
        '--embedding <name>',
        "what the embedding begins as; target: the principal components of the target's, in which ids count as they are said in --data (default: target with --draft-vocabulary, up to its width, else random)",
      ).choices(['random', 'target']),
    )
    .option('--draft <dir>', 'go on with this draft instead of a new one')
    .option('--data <files...>', `answers of the target, whose ids are counted (${rowSource})`)
  withDraftVocabulary(command)
  withTraining(command, { steps: 2000, learningRate: 1e-3, figures: ['loss'] })
  withExamples(withOutputOptions(withRows(command)), [
    [
      'The draft of the paper, for Llama 2 Chat',
      'outrider pretrain --target ./llama-2-7b-chat --text corpus/*.txt --layers 4 --hidden-size 1024 --intermediate-size 2816 --heads 8 --steps 200000 --out ./draft',
    ],
    [
      'A small one on a laptop',
      'outrider pretrain --target ./model --text stories.txt --layers 1 --hidden-size 64 --steps 500 --out ./draft',
    ],
    [
      'A cheap one, which says only what the target says often',
      'outrider pretrain --target ./model --text stories.txt --data answers.jsonl --draft-vocabulary 8192 --embedding target --layers 2 --hidden-size 128 --out ./draft',
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
  const keepBest = keepBestOf(flags)
  await claimDirectory(context, flags.out, {
    kind: 'run',
    anew: !flags.resume,
    inputs: {
      '--target': flags.target,
      '--draft': flags.draft,
      '--text': flags.text,
      '--data': flags.data,
      '--validation': flags.validation,
    },
  })
  const target = await openTarget(context, flags)
  const reading = rowReading(terminal, flags)
  const draft = await draftFor(context, flags, target, flags.data && rowFiles(flags.data, reading.options))
  terminal.noteParagraph(`Draft: ${describeModel(draft)}`, '  ')
  const result = await trainingRun(context, flags, {
    label: 'pretrain',
    draft,
    target,
    speaker: draft,
    validation: flags.validation && textFiles(flags.validation, reading.options),
    keepBest,
    train: (options) => pretrain(draft, textFiles(flags.text, reading.options), options),
  })
  return { ...result, ...reading.summary() }
}

/** A target without its weights, where these are elsewhere: only an embedding that begins as its own needs them. */
type OpenedTarget = SpeakerFiles & Partial<Pick<OpenedModel, 'weights'>>

async function openTarget({ signal, onWarning }: Context, { target, embedding }: PretrainFlags): Promise<OpenedTarget> {
  try {
    return await openCausalLM(target, { signal, onWarning })
  } catch (error) {
    if (embedding === 'target' || !(error instanceof OutriderError) || error.code !== 'FILE_MISSING') throw error
    // What else is missing is missed again.
    return await openSpeaker(target, { signal, onWarning })
  }
}

/** A new draft, or the one that is given; of the ids that are said in `data`. */
async function draftFor(
  context: Context,
  {
    draft: given,
    layers,
    hiddenSize,
    heads,
    kvHeads,
    intermediateSize,
    untiedHead,
    embedding,
    seed,
    ...flags
  }: PretrainFlags,
  target: OpenedTarget,
  data: DataSource | undefined,
): Promise<PretrainedModel> {
  if (given !== undefined && (untiedHead || embedding === 'target'))
    throw new OutriderError(
      'INVALID_ARGUMENT',
      `--${untiedHead ? 'untied-head' : 'embedding target'} is of a new draft, and --draft goes on with one.`,
    )
  if (data && flags.draftVocabulary === undefined && embedding !== 'target')
    throw new OutriderError(
      'INVALID_ARGUMENT',
      '--data is counted for --draft-vocabulary and --embedding target, and neither is given.',
      {
        remedy: 'Text to learn is --text; answers are learned by `outrider distill`.',
      },
    )
  const { counts, vocabulary } = await countedVocabulary(flags, data, target)
  if (given !== undefined) {
    const draft = await openModel(context, given, 'draft', { dtype: 'f32', vocabulary })
    compareVocabularies(target, draft)
    return draft
  }
  const device = await context.device()
  const { weights } = target
  const projects =
    embedding === 'target' || (embedding === undefined && vocabulary && hiddenSize <= target.config.hiddenSize)
  if (projects && !weights)
    context.terminal.noteParagraph("The target's weights are not there: the draft's embedding begins at random.", '  ')
  return createDraft(target, {
    layers,
    hiddenSize,
    seed,
    device,
    ...(heads && { heads }),
    ...(kvHeads && { kvHeads }),
    ...(intermediateSize && { intermediateSize }),
    ...(untiedHead && { tieWordEmbeddings: false }),
    ...(vocabulary && { vocabulary }),
    ...(projects &&
      weights && {
        embedding: await projectEmbedding({ config: target.config, weights }, { width: hiddenSize, counts, device }),
      }),
  })
}

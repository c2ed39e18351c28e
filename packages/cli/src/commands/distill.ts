import { mix, rowFiles, textFiles } from '@outrider/dataset'
import { type DistillationLoss, lossByName, lossNames } from '@outrider/losses'
import { OutriderError } from '@outrider/tensor'
import { distill, heldOutFigures, type TopTokenTarget } from '@outrider/training'
import type { CausalLM, PretrainedModel } from '@outrider/transformer'
import { InvalidArgumentError } from 'commander'
import { type AddCommand, withExamples, withOutputOptions } from '../command'
import type { Context } from '../context'
import { openHead, openModel } from '../models'
import { countedVocabulary, type DraftVocabularyFlags, withDraftVocabulary } from '../options/draft-vocabulary'
import { type DtypeFlags, modelSource, withDtype } from '../options/groups'
import { assertHiddenStates, type HiddenStatesFlags, hiddenStatesIn, withHiddenStates } from '../options/hidden-states'
import { type OnPolicyFlags, onPolicyOf, withOnPolicy } from '../options/on-policy'
import { asParallel, type ParallelFlags, parallelOf, withParallel } from '../options/parallel'
import { assertTargets, type TargetShardsFlags, targetOfShards, withTargetShards } from '../options/target-shards'
import { type TargetStatesFlags, targetStatesOf, withTargetStates } from '../options/target-states'
import { keepBestOf, type TrainingFlags, withTraining } from '../options/training'
import { claimDirectory } from '../outputs/index'
import { type RowFlags, rowReading, rowSource, withRows } from '../rows'
import { trainingRun } from '../training-run'

interface DistillFlags
  extends TrainingFlags,
    RowFlags,
    DraftVocabularyFlags,
    TargetStatesFlags,
    HiddenStatesFlags,
    TargetShardsFlags,
    OnPolicyFlags,
    ParallelFlags,
    Pick<DtypeFlags, 'dtype' | 'cacheDtype'> {
  target: string
  draft: string
  data?: string[]
  loss: DistillationLoss
  mix: [number, number]
}

export const addDistill: AddCommand = (program, run) => {
  const command = program
    .command('distill')
    .summary("teach a draft the target's own way of answering")
    .description(
      "Fine-tunes a draft towards the distribution of the target on the target's own answers (from `outrider generate`), mixed with pretraining text so that it forgets nothing. The third stage.",
    )
    .requiredOption('--target <dir>', `the model that is to be sped up: ${modelSource}`)
    .requiredOption('--draft <dir>', 'the pretrained draft; it is not changed')
    .option('--data <files...>', `conversations, the answers of the target (${rowSource}); needed but with --targets`)
    .option(
      '--text <files...>',
      'pretraining text to mix in; with --targets it is learned as it stands, for what the target thinks of it is not there',
    )
    .option('--mix <ratio>', 'rows of conversations to rows of text', ratio, [9, 1])
    .option('--loss <name>', lossNames.join(', '), loss, lossByName('tvd++'))
  withDraftVocabulary(command)
  withTargetShards(command)
  withTargetStates(command)
  withHiddenStates(command)
  withOnPolicy(command)
  withParallel(command)
  command.options.find(({ long }) => long === '--loss')!.defaultValueDescription = 'tvd++'
  command.options.find(({ long }) => long === '--mix')!.defaultValueDescription = '9:1'
  withTraining(command, { steps: 1000, learningRate: 5e-4, figures: heldOutFigures })
  withExamples(withOutputOptions(withDtype(withRows(command), { cache: 'target' })), [
    [
      'As in the paper',
      'outrider distill --target ./model --draft ./draft --data distill.jsonl --text corpus/*.txt --loss tvd++ --out ./draft-tvd++',
    ],
    [
      'Another loss on the same answers, for which the target has nothing to read: what it says of a row is kept',
      'outrider distill --target ./model --draft ./draft --data distill.jsonl --loss kld --target-states ./states --out ./draft-kld',
    ],
    [
      'Another loss, with held-out answers measured on the way',
      'outrider distill --target ./model --draft ./draft --data distill.jsonl --loss kld --validation held-out.jsonl --validate-every 100 --out ./draft-kld',
    ],
    [
      'For as long as it gains: the best of its validations is written, and the run ends when five have brought nothing',
      'outrider distill --target ./model --draft ./draft --data distill.jsonl --steps 20000 --validation held-out.jsonl --validate-every 100 --keep-best acceptance-length --patience 5 --out ./draft-best',
    ],
    [
      'From what a target elsewhere thinks of its answers (outrider score): only its tokenizer and configuration are needed here',
      'outrider distill --targets ./shards --target ./big --draft ./draft --out ./draft-big',
    ],
    [
      'The same with a tenth of pretraining text, which is learned as it stands',
      'outrider distill --targets ./shards --target ./big --draft ./draft --text corpus/*.txt --mix 9:1 --loss kld --out ./draft-big',
    ],
    [
      'From hidden states of its last layer, as vLLM and speculators write them: of the target its final norm and head are enough',
      'outrider distill --hidden-states ./hidden_states --target ./big --data answers.jsonl --draft ./draft --out ./draft-big',
    ],
    [
      'From a draft that proposes a token at a time one that proposes eight in one pass',
      'outrider distill --target ./model --draft ./draft-tvd++ --data distill.jsonl --parallel 8 --out ./draft-parallel',
    ],
  ])
  command.action((flags: DistillFlags) => run((context) => distillDraft(context, flags), command))
}

async function distillDraft(context: Context, flags: DistillFlags): Promise<object> {
  const keepBest = keepBestOf(flags)
  const onPolicy = onPolicyOf(flags)
  const parallel = parallelOf(flags)
  assertTargets(flags)
  assertHiddenStates(flags)
  await claimDirectory(context, flags.out, {
    kind: 'run',
    anew: !flags.resume,
    inputs: {
      '--target': flags.target,
      '--draft': flags.draft,
      '--data': flags.data,
      '--targets': flags.targets,
      '--hidden-states': flags.hiddenStates,
      '--text': flags.text,
      '--validation': flags.validation,
    },
  })
  const hiddenStates = flags.hiddenStates === undefined ? undefined : await hiddenStatesIn(context, flags.hiddenStates)
  const target = await targetOf(context, flags)
  const reading = rowReading(context.terminal, flags)
  const conversations = rowFiles(flags.data ?? `${flags.targets}/targets-*.parquet`, reading.options)
  const { vocabulary } = flags.draftVocabulary ? await countedVocabulary(flags, conversations, target) : {}
  const opened = await openModel(context, flags.draft, 'draft', { dtype: 'f32', vocabulary })
  const draft = parallel ? asParallel(opened, flags, target, context.terminal) : opened
  const data = flags.text
    ? mix({
        distillation: [conversations, flags.mix[0]],
        pretraining: [textFiles(flags.text, reading.options), flags.mix[1]],
      })
    : conversations
  using targetStates = flags.targets === undefined ? targetStatesOf(context.terminal, flags, hiddenStates) : undefined
  const result = await trainingRun(context, flags, {
    label: `distill ${flags.loss.name}`,
    draft,
    target,
    speaker: target,
    validation: flags.validation && rowFiles(flags.validation, reading.options),
    targetStates,
    keepBest,
    train: (options) =>
      distill({ draft, target, data, loss: flags.loss, targetStates, onPolicy, parallel, ...options }),
  })
  return { loss_name: flags.loss.name, ...result, ...reading.summary() }
}

/** Whoever is learned from: in memory, its head alone, or its shards. */
function targetOf(context: Context, flags: DistillFlags): Promise<PretrainedModel<CausalLM> | TopTokenTarget> {
  const { target, targets, hiddenStates, dtype, cacheDtype } = flags
  if (targets !== undefined) return targetOfShards(context, flags)
  return hiddenStates === undefined
    ? openModel(context, target, 'target', { dtype, cacheDtype })
    : openHead(context, target, { dtype })
}

function loss(name: string): DistillationLoss {
  try {
    return lossByName(name)
  } catch (error) {
    if (error instanceof OutriderError) throw new InvalidArgumentError(error.message)
    throw error
  }
}

function ratio(text: string): [number, number] {
  const [a, b] = text.split(':').map(Number)
  if (a !== undefined && b !== undefined && a > 0 && b > 0) return [a, b]
  throw new InvalidArgumentError('It must be two positive numbers, such as 9:1.')
}

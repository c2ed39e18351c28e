import { basename, dirname, join } from 'node:path'
import { type Aligned, align, type Origin, readOrigin, type Stage, stages } from '@outrider/align'
import { rowFiles, textFiles } from '@outrider/dataset'
import { lossByName } from '@outrider/losses'
import { OutriderError } from '@outrider/tensor'
import { directory, parseHubId } from '@outrider/transformer'
import { InvalidArgumentError, Option } from 'commander'
import { measuredBy, noneCanPayElsewhere, printEndElsewhere } from '../align/end-elsewhere'
import { alignProgress } from '../align/progress'
import { assertElsewhere, type ElsewhereFlags, targetElsewhere } from '../align/target-elsewhere'
import { printWays } from '../align/ways-table'
import { type AddCommand, withExamples, withOutputOptions } from '../command'
import { adapterLabel, type Context } from '../context'
import { withEndpoint } from '../endpoint'
import { exists } from '../missing-path'
import { openModel } from '../models'
import { type DtypeFlags, modelSource, withDtype } from '../options/groups'
import { integer, listOf, timeSpan } from '../options/parse'
import { claimDirectory } from '../outputs/index'
import { type RowFlags, rowReading, rowSource, withRows } from '../rows'
import { useTuned } from '../tuned'

interface AlignFlags extends RowFlags, ElsewhereFlags, Pick<DtypeFlags, 'dtype' | 'cacheDtype'> {
  out: string
  budget?: number
  seeds?: string[]
  text?: string[]
  loss?: string[]
  only?: Stage
  anyway?: boolean
  gguf?: boolean
  seed?: number
}

export const addAlign: AddCommand = (program, run) => {
  const command = program
    .command('align')
    .summary('the whole method: a chat model and a time budget in, an aligned draft out')
    .description(
      'Looks at a model and at what passes cost here, and makes a plan for the time there is; lets the model answer instructions, keeps a table of its answers, trains a small draft to predict them, and measures what is gained. Says before it starts where no draft can pay. Stopped at any moment, the same command goes on. With --endpoint the target is elsewhere: an engine there answers and says what it thinks of its answers (vLLM, outrider serve), the draft is trained here, and how the pair is measured there is printed.',
    )
    .requiredOption('--target <dir>', `the model that is to be sped up: ${modelSource}`)
    .requiredOption(
      '--out <dir>',
      'where the draft is written, a Hugging Face directory; the run is in align/ inside it',
    )
    .option('--budget <time>', 'what it may take, about: 90s, 30m, 1h30m (default: 30m)', timeSpan)
    .option(
      '--seeds <files...>',
      `instructions as you ask them (${rowSource}): they are answered first, and gain more than any other (default: the model writes its own)`,
    )
    .option('--text <files...>', "plain text for pretraining (default: the model's own answers)")
    .option(
      '--loss <names>',
      'losses, one after another, as kld,tvd (default: kld, then tvd where generation_config.json has the model sampled)',
      listOf(loss),
    )
    .addOption(
      new Option(
        '--only <stage>',
        'only this stage: look measures and plans, the others are those of their names',
      ).choices(stages),
    )
    .option('--anyway', 'go on where no draft can pay here, too')
    .option(
      '--gguf',
      'write the draft as GGUF, too, in Q8_0, for llama.cpp: draft.gguf in --out; for other types, outrider export. A run that is done gets it without training again',
    )
    .option('--seed <n>', 'decides what is drawn, and the order of the rows (default: 0)', integer())
    .option(
      '--top <k>',
      'of an endpoint: tokens a place that it says its probabilities of; vLLM says 20 unless it is started with --max-logprobs (default: 20)',
      integer({ least: 1 }),
    )
  withEndpoint(command, {
    target:
      '--target is then its configuration and tokenizer, which is compared with the endpoint’s and needs no weights beside it',
    prices: false,
  })
  withExamples(withOutputOptions(withDtype(withRows(command), { cache: 'target' })), [
    ['Half an hour', 'outrider align --target ./model --out ./draft'],
    [
      'With what you ask it, for the night',
      'outrider align --target ./model --out ./draft --seeds seeds.jsonl --budget 8h',
    ],
    [
      'What a draft could bring here, and how long it takes',
      'outrider align --target ./model --out ./draft --only look',
    ],
    [
      'A target that vLLM serves elsewhere, of which ./big has config.json and tokenizer.json',
      'outrider align --endpoint http://gpu-box:8000/v1 --model big --target ./big --seeds seeds.jsonl --out ./draft --gguf --budget 8h',
    ],
    ['The pair in use', 'outrider chat --model ./model --draft lookup+./draft'],
  ])
  command.action((flags: AlignFlags) => run((context) => alignDraft(context, flags), command))
}

async function alignDraft(context: Context, flags: AlignFlags): Promise<object> {
  const { terminal, signal } = context
  const isElsewhere = assertElsewhere(flags)
  await claimDirectory(context, flags.out, {
    kind: 'align',
    inputs: {
      '--target': flags.target,
      '--seeds': flags.seeds,
      '--text': flags.text,
      '--api-key-file': flags.apiKeyFile,
    },
  })
  const target = isElsewhere
    ? await targetElsewhere(context, flags)
    : await openModel(context, flags.target, 'target', { dtype: flags.dtype, cacheDtype: flags.cacheDtype })
  context.resume = 'What is done is kept; the same command goes on from there.'
  await useTuned(context)
  const reading = rowReading(terminal, flags)
  const began = performance.now()
  const aligned = await align({
    target,
    out: directory(flags.out),
    budgetSeconds: flags.budget,
    seeds: flags.seeds && rowFiles(flags.seeds, reading.options),
    text: flags.text && textFiles(flags.text, reading.options),
    losses: flags.loss,
    seed: flags.seed,
    only: flags.only,
    evenIfNoneCanPay: flags.anyway,
    gguf: flags.gguf,
    card: { origin: await originOf(flags.target), madeBy: [madeBy(flags)] },
    signal,
    onEvent: alignProgress(terminal),
  })
  terminal.endProgress()
  const { plan, results, canPay, verdict, gguf, leftOut } = aligned
  printEnd(context, flags, aligned)
  return {
    out: flags.out,
    adapter: adapterLabel(await context.device()),
    seconds: (performance.now() - began) / 1000,
    can_pay: canPay,
    verdict,
    ...(gguf && { gguf: join(flags.out, gguf) }),
    ...(leftOut && { left_out: leftOut }),
    ...(leftOut && verdict !== null && { measured_by: measuredBy(flags, aligned) }),
    plan,
    ...(results.evaluate && { results: results.evaluate.found.rows }),
    stage_seconds: Object.fromEntries(Object.entries(results).map(([stage, { seconds }]) => [stage, seconds])),
    ...reading.summary(),
  }
}

/** What came out, and how it is used. */
function printEnd({ terminal }: Context, flags: AlignFlags, aligned: Aligned): void {
  const { target, out, only, anyway } = flags
  const { canPay, results, verdict, gguf, plan } = aligned
  const { style } = terminal
  const isElsewhere = aligned.leftOut !== undefined
  if (!canPay && !anyway) {
    terminal.print()
    if (isElsewhere) {
      terminal.printParagraph(noneCanPayElsewhere)
      return
    }
    terminal.printParagraph(
      'No draft can pay here: even one of which seven in ten tokens are accepted would make answers slower, so nothing was trained. Lookups need no draft, and are only used where they gain: --draft lookup. With --anyway a draft is trained all the same, for another machine, say.',
    )
    terminal.print(`\n  outrider chat --model ${target} --draft lookup`)
    return
  }
  if (verdict === null || !(results.evaluate || isElsewhere)) {
    if (only === 'look')
      terminal.print(`\nThe same command without --only look follows this plan; it is kept in ${out}.`)
    return
  }
  if (!results.evaluate) {
    printEndElsewhere(terminal, flags, aligned)
    return
  }
  terminal.print()
  printWays(terminal, results.evaluate.found)
  terminal.print()
  terminal.printParagraph(style.bold(verdict))
  terminal.print(`\nWritten to ${out}, with report.html. In use:`)
  terminal.print(`  outrider chat --model ${target} --draft lookup+${out}`)
  terminal.print(`  outrider serve --model ${target} --draft lookup+${out}`)
  if (gguf) terminal.print(`  llama-server -m target.gguf -md ${join(out, gguf)} --draft-max ${plan.draftLength}`)
  terminal.print('On prompts of your own:')
  terminal.print(`  outrider evaluate --target ${target} --draft lookup+${out} --prompts prompts.jsonl`)
}

/** The target's license goes with its draft; what its files do not say is left out. */
async function originOf(target: string): Promise<Origin | undefined> {
  if (!(await exists(target))) return parseHubId(target) && { id: target.replace(/@.*/, '') }
  const isFile = /\.gguf$/i.test(target)
  const read = isFile ? readOrigin(directory(dirname(target)), basename(target)) : readOrigin(directory(target))
  return await read.catch(() => undefined)
}

/** Without the endpoint's address: it is nobody's business but its user's. */
const madeBy = ({
  target,
  out,
  budget,
  seeds = [],
  text = [],
  loss = [],
  seed,
  dtype,
  cacheDtype,
  gguf,
  ...flags
}: AlignFlags): string =>
  [
    ...['outrider align --target', target, '--out', out],
    ...(flags.model === undefined ? [] : ['--endpoint URL --model', flags.model]),
    ...(flags.top === undefined ? [] : [`--top ${flags.top}`]),
    ...(budget === undefined ? [] : [`--budget ${budget}s`]),
    ...(seeds.length > 0 ? ['--seeds', ...seeds] : []),
    ...(text.length > 0 ? ['--text', ...text] : []),
    ...(loss.length > 0 ? ['--loss', loss.join(',')] : []),
    ...(seed === undefined ? [] : [`--seed ${seed}`]),
    ...(dtype === undefined ? [] : [`--dtype ${dtype}`]),
    ...(cacheDtype === undefined ? [] : [`--cache-dtype ${cacheDtype}`]),
    ...(gguf ? ['--gguf'] : []),
  ].join(' ')

function loss(name: string): string {
  try {
    return lossByName(name).name
  } catch (error) {
    if (error instanceof OutriderError) throw new InvalidArgumentError(error.message)
    throw error
  }
}

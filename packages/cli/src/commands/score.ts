import { rowFiles, type ScoringTarget, scoreDataset } from '@outrider/dataset'
import { OutriderError } from '@outrider/tensor'
import { directory, type PretrainedModel } from '@outrider/transformer'
import { type AddCommand, withExamples, withOutputOptions } from '../command'
import type { Context } from '../context'
import { assertEndpoint, type EndpointFlags, openEndpoint, speakerOf, withEndpoint } from '../endpoint'
import { openModel } from '../models'
import { given, ofNoUse } from '../options/given'
import { type DtypeFlags, modelSource, withDtype } from '../options/groups'
import { integer } from '../options/parse'
import { assertShare, type ShareFlags, withShare } from '../options/share'
import { claimDirectory } from '../outputs/index'
import { type RowFlags, rowReading, rowSource, withRows } from '../rows'
import { count, duration } from '../terminal'

interface ScoreFlags extends Pick<DtypeFlags, 'dtype' | 'cacheDtype'>, RowFlags, EndpointFlags, ShareFlags {
  target: string
  data: string[]
  out: string
  top: number
}

export const addScore: AddCommand = (program, run) => {
  const command = program
    .command('score')
    .summary('what the target thinks of its answers, so that a draft is distilled without it')
    .description(
      'Writes, for every token of the answers, the likeliest tokens in its place with their probabilities under the target, and what is left for the others, as shards of Parquet. `outrider distill --targets` learns from these: the target is then needed no more, but for its tokenizer and configuration. With --endpoint the target is elsewhere: on vLLM or outrider serve (prompt_logprobs), SGLang (/generate), llama.cpp’s server (n_probs), llama-cpp-python or hosted completions (echo and logprobs). Interrupted and run again, it goes on where it was.',
    )
    .requiredOption(
      '--target <dir>',
      `${modelSource}; with --endpoint its configuration and tokenizer, which need no weights beside them`,
    )
    .requiredOption('--data <files...>', `conversations, the answers of the target (${rowSource})`)
    .requiredOption('--out <dir>', 'the folder of the shards')
    .option(
      '--top <k>',
      'tokens a place; vLLM and outrider serve say 20 unless they are started with --max-logprobs',
      integer({ least: 1 }),
      20,
    )
  withShare(command, 'each scores its own rows, and their shards are put into one folder')
  withEndpoint(command)
  withExamples(withOutputOptions(withDtype(withRows(command), { cache: 'target' })), [
    ['Of a model here', 'outrider score --target ./model --data distill.jsonl --out ./shards'],
    [
      'Of one that vLLM serves elsewhere, started with --max-logprobs 64',
      'outrider score --endpoint http://gpu-box:8000/v1 --model big --target ./big --data distill.jsonl --top 64 --out ./shards',
    ],
    [
      'The second of four machines',
      'outrider score --endpoint http://localhost:8000/v1 --model big --target ./big --data distill.jsonl --out ./shards-1 --rank 1 --world-size 4',
    ],
    ['And the draft from it', 'outrider distill --targets ./shards --target ./big --draft ./draft --out ./draft-big'],
  ])
  command.action((flags: ScoreFlags) => run((context) => score(context, flags), command))
}

async function score(context: Context, flags: ScoreFlags): Promise<object> {
  const { terminal, signal } = context
  const { target: path, data, out, top, rank, worldSize, concurrency, maxFailed } = flags
  assertFlags(flags)
  assertShare(flags)
  await claimDirectory(context, out, {
    kind: 'shards',
    inputs: { '--target': path, '--data': data, '--api-key-file': flags.apiKeyFile },
  })
  const isElsewhere = flags.endpoint !== undefined
  const target: PretrainedModel | ScoringTarget = isElsewhere
    ? await openEndpoint(context, flags, path)
    : await openModel(context, path, 'target', { dtype: flags.dtype, cacheDtype: flags.cacheDtype })
  const speaker = isElsewhere ? await speakerOf(context, path) : undefined
  context.resume = 'The shards written stay; the same command goes on from there.'
  const reading = rowReading(terminal, flags)
  let progress: ReturnType<typeof terminal.progress> | undefined
  let seconds = 0
  const done = await scoreDataset({
    ...{ target, speaker, k: top, rank, worldSize, concurrency, maxFailed, signal },
    data: rowFiles(data, reading.options),
    out: directory(out),
    onProgress(state) {
      seconds = state.seconds
      progress ??= terminal.progress({ label: 'score', total: state.total, unit: 'rows', start: state.rows })
      progress.update(state.rows, `${count(state.tokens)} tokens`)
    },
  })
  terminal.endProgress()
  const { rows, scored, failed, tokens, bytes } = done
  const bytesPerToken = tokens > 0 ? Number((bytes / tokens).toFixed(1)) : undefined
  const size = bytesPerToken === undefined ? '' : `, ${bytesPerToken} bytes a token at ${top} tokens a place`
  terminal.print(
    `${rows} rows in ${out}, ${scored} of them new (${count(tokens)} tokens in ${duration(seconds)}${size})`,
  )
  if (failed > 0)
    terminal.warn(
      `The endpoint refused ${failed} ${failed === 1 ? 'row' : 'rows'}; the same command asks for them again.`,
    )
  return {
    out,
    top,
    rows,
    scored,
    failed,
    tokens,
    bytes,
    bytes_per_token: bytesPerToken,
    seconds,
    ...reading.summary(),
  }
}

function assertFlags(flags: ScoreFlags): void {
  if (flags.prices)
    throw new OutriderError('INVALID_ARGUMENT', '--prices is of no use here.', {
      remedy: 'Leave it out: what is read of answers is what generate paid for.',
    })
  const useless = assertEndpoint(flags) ? given(flags, ['dtype', 'cacheDtype']) : undefined
  if (useless) throw ofNoUse(useless, 'with --endpoint')
}

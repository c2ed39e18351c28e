import { SpeculativeDecoder, type TokenSource } from '@outrider/speculative'
import type { PretrainedModel } from '@outrider/transformer'
import type { Completion, CompletionToken } from '../report/index'
import { type Colours, fixed, width } from '../terminal'
import type { TrainedDraft } from './stages'

const origins: Record<TokenSource, CompletionToken['origin']> = {
  draft: 'accepted',
  correction: 'corrected',
  bonus: 'bonus',
  plain: 'plain',
}

/** One prompt answered with the help of several drafts, each token with where it came from. Greedy: the text is one and the same. */
export async function answerSideBySide(
  target: PretrainedModel,
  drafts: readonly TrainedDraft[],
  {
    prompt,
    draftLength,
    maxTokens,
    signal,
  }: { prompt: string; draftLength: number; maxTokens: number; signal: AbortSignal },
): Promise<Completion> {
  const answers: Completion['answers'][number][] = []
  for (const { name, model } of drafts) {
    const decoder = new SpeculativeDecoder({ target, drafter: model, draftLength })
    const tokens: CompletionToken[] = []
    for await (const { pieces } of decoder.generate([{ role: 'user', content: prompt }], { maxTokens, signal }))
      for (const { text, source } of pieces) tokens.push({ text, origin: origins[source] })
    const { blockEfficiency, targetPasses } = decoder.metrics
    answers.push({ title: name, note: `τ ${fixed(blockEfficiency)}: ${targetPasses} target passes`, tokens })
  }
  return { prompt, answers }
}

/** The answers in columns for a terminal. Without colours the target's corrections stand in brackets. */
export function columnsOf(
  { answers }: Completion,
  { columns, style, coloured }: { columns: number; style: Colours; coloured: boolean },
): string {
  const gap = 4
  const columnWidth = Math.floor((Math.min(columns, 120) - gap * (answers.length - 1)) / answers.length)
  const paint: Record<CompletionToken['origin'], (text: string) => string> = {
    accepted: style.green,
    corrected: coloured ? style.red : (text) => text.replace(/\S+/, '[$&]'),
    bonus: style.cyan,
    plain: (text) => text,
  }
  const blocks = answers.map(({ title, note, tokens }) => [
    style.bold(title),
    style.dim(note),
    ...wrapped(tokens, columnWidth, paint),
  ])
  const height = Math.max(...blocks.map((lines) => lines.length))
  return Array.from({ length: height }, (_, i) =>
    blocks
      .map((lines) => lines[i] ?? '')
      .map((line) => line + ' '.repeat(Math.max(0, columnWidth - width(line))))
      .join(' '.repeat(gap))
      .trimEnd(),
  ).join('\n')
}

function wrapped(
  tokens: readonly CompletionToken[],
  columns: number,
  paint: Record<CompletionToken['origin'], (text: string) => string>,
): string[] {
  const lines: string[] = []
  let line = ''
  for (const { text, origin } of tokens) {
    const piece = paint[origin](text)
    if (line !== '' && width(line) + width(piece) > columns) {
      lines.push(line)
      line = paint[origin](text.trimStart())
    } else line += piece
  }
  return line === '' ? lines : [...lines, line]
}

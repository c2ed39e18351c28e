/**
 * Tokens that llama.cpp knows by their text, whatever a file says of them, as its vocabulary loader has them (v0.5.0 of the
 * builds of node-llama-cpp 3.22): the ends of an answer, and marks for code that is filled in.
 */
export const endsByText: ReadonlySet<string> = new Set([
  '<|eot_id|>',
  '<|im_end|>',
  '<|end|>',
  '<|return|>',
  '<|call|>',
  '<|flush|>',
  '<|calls|>',
  '<end_of_turn>',
  '<|endoftext|>',
  '</s>',
  '<|eom_id|>',
  '<EOT>',
  '_<EOT>',
  '[EOT]',
  '[EOS]',
  '<|end_of_text|>',
  '<end_of_utterance>',
  '<eos>',
  '<turn|>',
  '<|tool_response>',
  '<｜end▁of▁sentence｜>',
  '[e~[',
])

/** Of these, one each of padding, repository and file ends an answer, too: whichever it comes upon. */
export const endsOfFilledCode: ReadonlySet<string> = new Set([
  ...['<|fim_pad|>', '<fim-pad>', '<fim_pad>', '<PAD>', '[PAD]'],
  ...['<|fim_repo|>', '<|repo_name|>', '<fim-repo>', '<REPO>', '<reponame>', '<|file_sep|>'],
])

export const marksByText: ReadonlySet<string> = new Set([
  ...endsByText,
  ...endsOfFilledCode,
  ...[
    '<|fim_prefix|>',
    '<fim-prefix>',
    '<fim_prefix>',
    '<｜fim▁begin｜>',
    '<PRE>',
    '▁<PRE>',
    '<|code_prefix|>',
    '<|prefix|>',
  ],
  ...[
    '<|fim_suffix|>',
    '<fim-suffix>',
    '<fim_suffix>',
    '<｜fim▁hole｜>',
    '<SUF>',
    '▁<SUF>',
    '<|code_suffix|>',
    '<|suffix|>',
  ],
  ...[
    '<|fim_middle|>',
    '<fim-middle>',
    '<fim_middle>',
    '<｜fim▁end｜>',
    '<MID>',
    '▁<MID>',
    '<|code_middle|>',
    '<|middle|>',
  ],
])

/** Whether `<|end|>` or `</s>` ends nothing after all: llama.cpp takes them back beside these. */
export function endsByTextOf(pieces: ReadonlySet<string>): ReadonlySet<string> {
  const has = (piece: string) => pieces.has(piece)
  const ends = new Set([...endsByText].filter(has))
  if ((has('<|return|>') && has('<|call|>')) || ((has('<|call|>') || has('<|calls|>')) && has('<|flush|>')))
    ends.delete('<|end|>')
  if (has('<|tool_response>')) ends.delete('</s>')
  return ends
}

/** Texts that end a turn in some model. */
export const turnEnds = [
  '<|eot_id|>',
  '<|im_end|>',
  '<|end|>',
  '<end_of_turn>',
  '<|endoftext|>',
  '<|end_of_text|>',
  '<EOT>',
  '_<EOT>',
  '[EOT]',
  '<｜end▁of▁sentence｜>',
  '<end_of_utterance>',
]

export const messageEnd = '<|eom_id|>'

/** Texts that end an answer wherever they are. */
export const endTexts: readonly string[] = [
  ...turnEnds,
  messageEnd,
  '<|return|>',
  '<|call|>',
  '<|flush|>',
  '<|calls|>',
  '</s>',
  '[EOS]',
  '<eos>',
  '<turn|>',
  '<|tool_response>',
  '[e~[',
]

/** Marks of code to fill in, by key: the older keys, and the texts that mean the same where no key is there. */
export const fillIn: Readonly<Record<string, { older?: string; ends?: true; texts: readonly string[] }>> = {
  fim_pre: {
    older: 'prefix',
    texts: [
      '<|fim_prefix|>',
      '<fim-prefix>',
      '<fim_prefix>',
      '<｜fim▁begin｜>',
      '<PRE>',
      '▁<PRE>',
      '<|code_prefix|>',
      '<|prefix|>',
    ],
  },
  fim_suf: {
    older: 'suffix',
    texts: [
      '<|fim_suffix|>',
      '<fim-suffix>',
      '<fim_suffix>',
      '<｜fim▁hole｜>',
      '<SUF>',
      '▁<SUF>',
      '<|code_suffix|>',
      '<|suffix|>',
    ],
  },
  fim_mid: {
    older: 'middle',
    texts: [
      '<|fim_middle|>',
      '<fim-middle>',
      '<fim_middle>',
      '<｜fim▁end｜>',
      '<MID>',
      '▁<MID>',
      '<|code_middle|>',
      '<|middle|>',
    ],
  },
  fim_pad: { ends: true, texts: ['<|fim_pad|>', '<fim-pad>', '<fim_pad>', '<PAD>', '[PAD]'] },
  fim_rep: { ends: true, texts: ['<|fim_repo|>', '<|repo_name|>', '<fim-repo>', '<REPO>', '<reponame>'] },
  fim_sep: { ends: true, texts: ['<|file_sep|>'] },
}

/** Texts that are always shown. */
export const shown = ['<|channel|>', '<|message|>', '<|start|>', '<|constrain|>']

const filledCode = Object.values(fillIn)

/** Of these, one each of padding, repository and file ends an answer in llama.cpp, whichever it comes upon. */
export const endsOfFilledCode: ReadonlySet<string> = new Set(
  filledCode.flatMap(({ ends, texts }) => (ends ? texts : [])),
)

/** Tokens that llama.cpp takes for marks by their text, whatever a file says of them. */
export const marksByText: ReadonlySet<string> = new Set([...endTexts, ...filledCode.flatMap(({ texts }) => texts)])

/**
 * Of the texts that end an answer, those that do not beside others. In gpt-oss and Solar, `<|end|>` ends one of several messages
 * of an answer.
 *
 * @param ends  whether a text is there and would end an answer
 */
export function takenBack(ends: (text: string) => boolean): string[] {
  const calls = ends('<|call|>') || ends('<|calls|>')
  return [
    ...(ends('<|end|>') && calls && (ends('<|return|>') || ends('<|flush|>')) ? ['<|end|>'] : []),
    ...(ends('</s>') && ends('<|tool_response>') ? ['</s>'] : []),
  ]
}

/** Which of the pieces end an answer in llama.cpp by their text. */
export function endsByTextOf(pieces: ReadonlySet<string>): ReadonlySet<string> {
  const ends = new Set(endTexts.filter((text) => pieces.has(text)))
  for (const text of takenBack((text) => ends.has(text))) ends.delete(text)
  return ends
}

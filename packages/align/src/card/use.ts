import { measuredPath } from '../plan/stored-plan'
import type { CardFacts } from './facts'
import { block, pythonText, shellBlock, shellWord } from './write'

/** How a draft is used: here, in transformers, vLLM and llama.cpp, as far as each reads the target. */
export function useElsewhere({ target, place, draftLength, hasAnswers, gguf }: CardFacts): string[] {
  const { source } = target
  const isGguf = /\.gguf$/i.test(source)
  const whole = isGguf ? target.origin?.id : source
  const lookup = hasAnswers ? 'lookup+' : ''
  return [
    '**Outrider**',
    shellBlock([`outrider chat --model ${shellWord(source)} --draft ${shellWord(lookup + place)}`]),
    '**transformers**',
    block('python', transformers({ source, place, isGguf })),
    `How many tokens it drafts for a pass stands in its \`generation_config.json\` (\`num_assistant_tokens\`): given to \`generate\` it is not heeded.`,
    ...(whole === undefined ? [] : ['**vLLM**', shellBlock([vllm(whole, place, draftLength)])]),
    '**llama.cpp**',
    shellBlock(llamaCpp({ source, place, draftLength, gguf, isGguf })),
  ]
}

/** What measures a pair where its target is: lines for a shell, by the engine that they are for. */
export function measuredElsewhere({
  target,
  model,
  place,
  draftLength,
  gguf,
}: {
  /** What is here of the target: its directory, or a .gguf file. */
  target: string
  /** What its weights are opened by where they are. Default: the same. */
  model?: string | undefined
  /** The draft's directory. */
  place: string
  draftLength: number
  /** The draft as GGUF, a file of its directory, where it was written. */
  gguf?: string | undefined
}): { engine: 'vLLM' | 'llama.cpp' | 'Outrider'; command: string }[] {
  const source = model ?? target
  const isGguf = /\.gguf$/i.test(source)
  const drafted = `outrider evaluate --target ${shellWord(target)} --draft ${shellWord(`lookup+${place}`)}`
  return [
    ...(isGguf ? [] : [{ engine: 'vLLM' as const, command: vllm(source, place, draftLength) }]),
    ...llamaCpp({ source, place, draftLength, gguf, isGguf }).map((command) => ({
      engine: 'llama.cpp' as const,
      command,
    })),
    {
      engine: 'Outrider',
      command: `${drafted} --prompts ${shellWord(`${place.replace(/\/$/, '')}/${measuredPath}`)} --draft-length ${draftLength}`,
    },
  ]
}

interface Used {
  source: string
  place: string
  isGguf: boolean
}

function transformers({ source, place, isGguf }: Used): string[] {
  const slash = source.lastIndexOf('/')
  const [from, file] = isGguf ? [source.slice(0, Math.max(slash, 0)) || '.', source.slice(slash + 1)] : [source]
  const given = file === undefined ? pythonText(from) : `${pythonText(from)}, gguf_file=${pythonText(file)}`
  return [
    'from transformers import AutoModelForCausalLM, AutoTokenizer',
    '',
    `tokenizer = AutoTokenizer.from_pretrained(${pythonText(place)})`,
    `target = AutoModelForCausalLM.from_pretrained(${given})`,
    `draft = AutoModelForCausalLM.from_pretrained(${pythonText(place)})`,
    'inputs = tokenizer("Once upon a time", return_tensors="pt")',
    'output = target.generate(**inputs, assistant_model=draft, do_sample=False, max_new_tokens=64)',
    'print(tokenizer.decode(output[0], skip_special_tokens=True))',
  ]
}

const vllm = (target: string, draft: string, draftLength: number): string =>
  `vllm serve ${shellWord(target)} --speculative-config ${shellWord(
    JSON.stringify({ method: 'draft_model', model: draft, num_speculative_tokens: draftLength }),
  )}`

function llamaCpp({
  source,
  place,
  draftLength,
  gguf,
  isGguf,
}: Used & Pick<CardFacts, 'draftLength' | 'gguf'>): string[] {
  const draft = gguf === undefined ? 'draft.gguf' : `${place.replace(/\/$/, '')}/${gguf}`
  return [
    ...(gguf === undefined ? [`outrider export --model ${shellWord(place)} --out draft.gguf --dtype q8_0`] : []),
    `llama-server -m ${shellWord(isGguf ? source : 'target.gguf')} -md ${shellWord(draft)} --draft-max ${draftLength}`,
  ]
}

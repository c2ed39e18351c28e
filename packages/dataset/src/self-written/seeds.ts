import { OutriderError } from '@outrider/tensor'
import { beginningOfText, emptyUserTurn } from './beginning'
import { checkedScripts, type Demands, faultOf } from './fault'
import { openings, type SeedCategory } from './openings'
import {
  type Kind,
  type SelfWritten,
  type SelfWrittenOptions,
  selfWritten,
  speakerOf,
  type Written,
} from './self-written'
import { wordsOf } from './words'

export interface GenerateSeedsOptions extends SelfWrittenOptions {
  /** Tokens of an instruction at most. Default 192; of a text to continue 32. */
  maxTokens?: number | undefined
  /** The share of instructions that begin with an opening of ours, by task in turn; they are English. Default 0.5. */
  openingShare?: number | undefined
}

/**
 * Instructions that the target writes itself, for `generateDataset` to have answered: what it says where a user would speak (Xu
 * et al. 2024, Magpie, arXiv 2406.08464), a share of them after openings by task: chat, writing, summarising, code, maths,
 * extraction. What did not end, is short, repeats itself, mixes scripts or says much what one before said is not kept. A target
 * without a chat template writes beginnings of texts, to be continued.
 *
 * @returns rows in the file: `{ id, messages, category, temperature, top_p }`
 * @throws OutriderError as `generateDataset`; INVALID_ARGUMENT for options out of range, or where nothing could be kept
 */
export async function generateSeeds({
  maxTokens,
  openingShare = 0.5,
  ...options
}: GenerateSeedsOptions): Promise<SelfWritten> {
  if (!(openingShare >= 0 && openingShare <= 1))
    throw new OutriderError('INVALID_ARGUMENT', `openingShare is ${openingShare}; it must be from 0 to 1.`)
  const speaker = speakerOf(options)
  const turn = emptyUserTurn(speaker)
  const demands: Demands = { leastWords: 3, scripts: checkedScripts(options.scripts) }
  const shared = {
    settings: turn ? { openingShare } : {},
    textOf: (row: object) => (row as { messages: { content: string }[] }).messages[0]!.content,
    row: ({ text, category }: Written) => ({ messages: [{ role: 'user', content: text }], category }),
  }
  const kind: Kind = turn
    ? {
        ...{ name: 'instructions', beginning: turn, maxTokens: maxTokens ?? 192, ...shared },
        opening: (group, u) => openingOf(group, openingShare, u),
        fault({ text, said, finishReason }) {
          if (finishReason === 'length') return 'unfinished'
          return wordsOf(said).length < 2 ? 'short' : faultOf(text, demands)
        },
      }
    : {
        ...{
          name: 'beginnings of texts',
          beginning: beginningOfText(speaker),
          maxTokens: maxTokens ?? 32,
          ...shared,
        },
        opening: () => ({ text: '', category: 'continuation' satisfies SeedCategory }),
        fault: ({ text }) => faultOf(text, demands),
      }
  return selfWritten(options, kind)
}

const tasks = Object.entries(openings)

/** How a group of attempts begins: a share of the groups, evenly among the others, with openings of the tasks in turn. */
function openingOf(group: number, share: number, u: number): { text: string; category: SeedCategory } {
  const before = Math.floor(group * share)
  if (Math.floor((group + 1) * share) === before) return { text: '', category: 'open' }
  const [category, texts] = tasks[before % tasks.length]!
  return { text: texts[Math.floor(u * texts.length)]!, category: category as SeedCategory }
}

import { type BlockTimes, type Drafter, measureBlocks, modelDrafter, type Verification } from '@outrider/speculative'
import { type CausalLM, type PretrainedModel, resolveSampling, type SamplingOptions } from '@outrider/transformer'
import { fixed, type Terminal } from '../terminal'

/** Where the time of plain steps and of blocks goes: γ = 0, and each of the draft lengths. */
export const blockTimes = (
  target: PretrainedModel<CausalLM>,
  draft: PretrainedModel<CausalLM> | Drafter,
  options: SamplingOptions & { draftLengths: readonly number[]; verification: Verification; signal: AbortSignal },
): Promise<BlockTimes[]> =>
  measureBlocks({
    target: target.model,
    drafter: 'open' in draft ? draft : modelDrafter(draft.model),
    sampling: resolveSampling(options),
    draftLengths: [0, ...options.draftLengths.filter((length) => length > 0)],
    verification: options.verification,
    signal: options.signal,
    repetitions: 9,
  })

export function printBlockTimes(terminal: Terminal, times: readonly BlockTimes[]): void {
  const right = (title: string) => ({ title, align: 'right' as const })
  const ms = (seconds: number) => fixed(seconds * 1000)
  terminal.print('\nA block and its parts, in milliseconds')
  terminal.printTable(
    ['γ', 'block', 'γ draft steps', 'target', 'verification', 'readback', 'host'].map(right),
    times.map((block) => [
      block.draftLength === 0 ? 'plain' : String(block.draftLength),
      ...[
        block.blockSeconds,
        block.draftSeconds,
        block.targetSeconds,
        block.verificationSeconds,
        block.readbackSeconds,
        block.hostSeconds,
      ].map(ms),
    ]),
  )
  terminal.printParagraph(
    'Medians, on made-up text after 64 tokens. Each part is waited for by itself, so they may add up to more than the block.',
  )
}

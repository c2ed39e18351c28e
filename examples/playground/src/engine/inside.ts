import { SpeculativeDecoder } from '@outrider/speculative'
import type { Capabilities, DeviceCounters, KernelTime, MemoryUse } from '@outrider/tensor'
import { currentDrafter } from './chat/drafter'
import { defaultSettings } from './chat/settings'
import type { LedgerEntry } from './ledger'
import type { Session } from './session'

/** What the device is and what it has done. */
export interface InsideState {
  adapter: string
  isSoftware: boolean
  capabilities: Capabilities
  features: string[]
  memory: MemoryUse
  counters: DeviceCounters
  stages: LedgerEntry[]
}

/** Device time of a short answer, by kernel. */
export interface Profile {
  drafter: string
  tokens: number
  kernels: KernelTime[]
}

const profiled = { tokens: 24, draftLength: 4 }

export function insideRoom(session: Session, chat: { stop(): Promise<void> }) {
  return {
    look(): InsideState {
      const device = session.requireDevice()
      return {
        adapter: device.adapterName,
        isSoftware: device.isSoftware,
        capabilities: device.capabilities,
        features: [...device.gpu.features].sort(),
        memory: device.memory,
        counters: device.counters,
        stages: session.ledger.entries,
      }
    },

    /**
     * Times the kernels of a short speculative answer; an answer in Chat is stopped for it.
     *
     * @throws OutriderError UNSUPPORTED where the device has no timestamp queries
     */
    async profile(): Promise<Profile> {
      const target = session.requireTarget()
      await chat.stop()
      const { name, drafter } = currentDrafter(session, defaultSettings)
      const { device } = target.model
      const decoder = new SpeculativeDecoder({ target, drafter, draftLength: profiled.draftLength })
      const prompt = target.chatTemplate
        ? [{ role: 'user', content: 'Tell me a story.' }]
        : target.tokenizer.encode('Once upon a time')
      const work = session.ledger.stage('profile a short answer', device, () =>
        device.profile(async () => {
          let tokens = 0
          for await (const block of decoder.generate(prompt, { maxTokens: profiled.tokens }))
            tokens += block.tokens.length
          return tokens
        }),
      )
      session.hold(work)
      const { value, kernels } = await work
      return { drafter: name, tokens: value, kernels }
    },
  }
}

import type { Models } from '../models'

/** An engine that is started, asked, and stopped. */
export interface Engine {
  readonly name: string
  /** What is installed for it, for people to read. */
  readonly needs: string
  /** llama.cpp cuts by top-p what the logits say, and applies the temperature to what is left; the others the other way round. */
  readonly cutsFirst: boolean
  /** Whether it says what it thinks of a row; of one that does not, that is expected to be refused. */
  readonly teaches: boolean
  /** Whether it can have a quantised file. */
  readonly quantised: boolean
  /** Serves a model until it is stopped. */
  start(models: Models, which: 'f32' | 'quantised'): Promise<Served>
}

/** A model that is being served. */
export interface Served {
  url: string
  /** What the engine calls it. */
  model: string
  version: string
  command: string
  stop(): Promise<void>
}

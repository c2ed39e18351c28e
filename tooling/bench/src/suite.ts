import type { Device } from '@outrider/tensor'
import type { Ceilings } from './ceilings'

export interface SuiteContext {
  device: Device
  ceilings: Ceilings
  /** Where kernel times go, where they are asked for. */
  profile?: Row[] | undefined
  /** Seconds: the clock, or with --processor-time what the process has computed. */
  now: () => number
  /** A file of written-down answers, with --answers. */
  answers?: string | undefined
  /** A model on disk or of the Hub, with --model. */
  model?: string | undefined
  /** Prompts of a kind, with --each. */
  each?: number | undefined
  /** What is asked of a suite, with --set NAME=VALUE. */
  settings?: Readonly<Record<string, string>> | undefined
  /** A file that figures are added to as they come, with --rows. */
  rowsFile?: string | undefined
  /** Says what is being done, for people who wait. */
  note(text: string): void
}

/** One line of a suite's table. Lists are for machines: --json prints them. */
export type Row = Readonly<Record<string, string | number | readonly number[] | undefined>>

/** Something that is measured: `npm run bench -- NAME`. A suite is a file in suites/ and a line in main.ts. */
export interface Suite {
  readonly name: string
  readonly summary: string
  /** Whether it runs only where it is named. */
  readonly onlyByName?: boolean
  run(context: SuiteContext): Promise<Row[]>
}

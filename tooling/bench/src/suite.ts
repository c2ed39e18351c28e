import type { Device } from '@outrider/tensor'

export interface SuiteContext {
  device: Device
  /** Says what is being done, for people who wait. */
  note(text: string): void
}

/** One line of a suite's table. */
export type Row = Readonly<Record<string, string | number | undefined>>

/** Something that is measured: `npm run bench -- NAME`. A suite is a file in suites/ and a line in main.ts. */
export interface Suite {
  readonly name: string
  readonly summary: string
  run(context: SuiteContext): Promise<Row[]>
}

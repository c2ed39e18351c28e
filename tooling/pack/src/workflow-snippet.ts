import { readFileSync } from 'node:fs'
import { parse } from 'yaml'

export interface WorkflowSnippet {
  /** The program of the page, and the name that the page gives it. */
  program: { file: string; code: string }
  /** What the steps run, in order. */
  commands: string[]
}

/** A page of the documentation that has one program and one workflow that runs it. */
export function readWorkflowSnippet(page: string): WorkflowSnippet {
  const text = readFileSync(page, 'utf8')
  const [, file, code] = /^`([\w.]+)`.*\n\n```ts\n([\s\S]*?)^```$/m.exec(text)!
  const [, yaml] = /^```yaml\n([\s\S]*?)^```$/m.exec(text)!
  const { jobs } = parse(yaml!) as { jobs: Record<string, { steps: { run?: string }[] }> }
  const commands = Object.values(jobs)
    .flatMap(({ steps }) => steps)
    .flatMap(({ run }) => (run === undefined ? [] : run.trim().split('\n')))
  return { program: { file: file!, code: code! }, commands }
}

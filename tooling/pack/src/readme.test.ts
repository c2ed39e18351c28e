import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { transform } from 'esbuild'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { packages, packedProject, root, runProgram } from './packed-project'
import { readSnippets, shortened } from './snippets'
import { surroundings } from './surroundings'

const readmes = [join(root, 'README.md'), ...packages.map(({ folder }) => join(folder, 'README.md'))]
const snippets = readmes.flatMap(readSnippets).map((snippet, index) => ({ ...snippet, file: `snippet-${index}` }))
const register = join(root, 'tooling/software-adapter/src/register.mjs')

const tsconfig = {
  compilerOptions: {
    target: 'ES2022',
    lib: ['ES2023', 'ESNext.Disposable', 'DOM', 'DOM.Iterable', 'DOM.AsyncIterable'],
    module: 'NodeNext',
    moduleDetection: 'force',
    strict: true,
    skipLibCheck: true,
    noEmit: true,
    types: ['node'],
  },
  include: ['*.ts'],
}

describe('the packages as npm would publish them, in an empty project', () => {
  let project: string
  beforeAll(async () => {
    project = await packedProject()
    await writeFile(join(project, 'tsconfig.json'), JSON.stringify(tsconfig))
    for (const { file, code } of snippets) {
      await writeFile(join(project, `${file}.ts`), code)
      const { code: javascript } = await transform(shortened(code), {
        loader: 'ts',
        target: 'es2022',
        sourcemap: 'inline',
      })
      await writeFile(join(project, `${file}.mjs`), javascript)
    }
  }, 300_000) // a whole build, where there is none yet
  afterAll(() => project && rm(project, { recursive: true, force: true }))

  it('type-check in the programs of the READMEs', async () => {
    await runProgram(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', project], { cwd: project })
  })

  for (const { where, file } of snippets)
    it(`run the program at ${where}`, async () => {
      const folder = join(project, file)
      await surroundings(folder)
      const output = await runProgram(process.execPath, ['--import', register, join(project, `${file}.mjs`)], {
        cwd: folder,
      })
      expect(output).not.toBe('')
    })

  it('start the command line', async () => {
    expect(await runProgram(join(project, 'node_modules/.bin/outrider'), ['--help'], { cwd: project })).toContain(
      'Usage: outrider',
    )
  })
})

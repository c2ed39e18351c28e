import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { entryPoints } from './entry-points'
import { root, runProgram } from './packed-project'

export interface Setup {
  compilerOptions: object
  /** A page: only what is for browsers, and no types of Node. */
  forBrowsers?: true
}

const node16 = { module: 'Node16', moduleResolution: 'Node16' }
const nodeNext = { module: 'NodeNext', moduleResolution: 'NodeNext' }
const bundler = { module: 'ESNext', moduleResolution: 'Bundler' }

/** How a project may have set up TypeScript: with every declaration file read and checked, but for the last. */
export const setups: Record<string, Setup> = {
  'moduleResolution bundler': { compilerOptions: bundler },
  'moduleResolution node16': { compilerOptions: node16 },
  'moduleResolution nodenext': { compilerOptions: nodeNext },
  'moduleResolution bundler, for a page': { compilerOptions: { ...bundler, types: [] }, forBrowsers: true },
  // Without the DOM's types @webgpu/types is not whole by itself: it names images and videos.
  'no types of the DOM': { compilerOptions: { ...nodeNext, lib: ['ES2023', 'ESNext.Disposable'], skipLibCheck: true } },
}

/**
 * Type-checks a program that imports every entry point, declarations of packages included.
 *
 * @returns what the compiler says of our packages; nothing where it is content
 */
export async function checkDeclarations(project: string, { compilerOptions, forBrowsers }: Setup): Promise<string[]> {
  const folder = join(project, 'declarations')
  await mkdir(folder, { recursive: true })
  const imported = entryPoints.filter((entry) => !forBrowsers || entry.forBrowsers)
  const program = imported.map(
    ({ specifier }, index) => `import * as entry${index} from '${specifier}'\nvoid entry${index}`,
  )
  const use =
    "import type { Device } from '@outrider/tensor'\nexport const limits = (device: Device): GPUSupportedLimits => device.gpu.limits"
  await writeFile(join(folder, 'program.ts'), `${[...program, use].join('\n')}\n`)
  const options = {
    target: 'ES2022',
    lib: ['ES2023', 'ESNext.Disposable', 'DOM', 'DOM.Iterable', 'DOM.AsyncIterable'],
    strict: true,
    skipLibCheck: false,
    noEmit: true,
    types: ['node'],
    ...compilerOptions,
  }
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, files: ['program.ts'] }))
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  const output = await runProgram(process.execPath, [tsc, '-p', folder, '--pretty', 'false'], { cwd: folder }).catch(
    ({ message }: Error) => message,
  )
  return output.split('\n').filter((line) => /error TS/.test(line))
}

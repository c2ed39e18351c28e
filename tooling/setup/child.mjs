import { spawn } from 'node:child_process'
import { delimiter } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../../', import.meta.url))
export const binaries = `${root}node_modules/.bin/`

const windows = process.platform === 'win32'
const running = new Set()

/**
 * Runs a command in the repository's root. Every child leads a process group of its own, so that stopping this process
 * stops all that it has started.
 *
 * @param {string} command
 * @param {string[]} args
 * @param {{ output?: 'show' | 'keep', path?: string[], environment?: Record<string, string> }} [options]
 *   `path`: folders put before PATH
 * @returns {Promise<{ code: number, output: string }>} `code` is 127 where the command could not be started
 */
export function runChild(command, args, { output = 'keep', path = [], environment = {} } = {}) {
  const env = { ...process.env, ...quiet, ...environment }
  delete env.pnpm_config_verify_deps_before_run // `pnpm test` sets it to 'false', which pnpm reads as true
  env.PATH = [...path, `${root}node_modules/.bin`, process.env.PATH].join(delimiter)
  const stdio = output === 'show' ? ['ignore', 'inherit', 'inherit'] : ['ignore', 'pipe', 'pipe']
  const child = spawn(command, args, { cwd: root, env, stdio, detached: !windows, shell: windows })
  running.add(child)
  const kept = []
  child.stdout?.on('data', (chunk) => kept.push(chunk))
  child.stderr?.on('data', (chunk) => kept.push(chunk))
  return new Promise((resolve) => {
    const finish = (code) => {
      running.delete(child)
      resolve({ code, output: Buffer.concat(kept).toString() })
    }
    child.on('error', (error) => {
      kept.push(Buffer.from(`${error.message}\n`))
      finish(127)
    })
    child.on('close', (code) => finish(code ?? 1))
  })
}

const quiet = {
  TURBO_TELEMETRY_DISABLED: '1',
  TURBO_NO_UPDATE_NOTIFIER: '1',
  DO_NOT_TRACK: '1',
  // Warnings about settings of npm that pnpm and its children read from the environment.
  npm_config_loglevel: 'error',
}

const signals = { SIGINT: 2, SIGTERM: 15, SIGHUP: 1 }

/** Ctrl-C and its like end the children first, then this process, with the exit code that the shell expects. */
export function stopChildrenOnSignals() {
  for (const [signal, number] of Object.entries(signals))
    process.on(signal, async () => {
      const exit = () => process.exit(128 + number)
      setTimeout(() => {
        for (const child of running) stop(child, 'SIGKILL')
        exit()
      }, 3000)
      const ends = [...running].map((child) => new Promise((resolve) => child.once('close', resolve)))
      for (const child of running) stop(child, signal)
      await Promise.all(ends)
      exit()
    })
}

function stop(child, signal) {
  try {
    if (windows) child.kill(signal)
    else process.kill(-child.pid, signal)
  } catch {
    // It has ended in the meantime.
  }
}

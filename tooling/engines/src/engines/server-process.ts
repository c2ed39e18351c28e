import { spawn } from 'node:child_process'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'

export interface ServerProcess {
  /** What it has written so far. */
  readonly output: string
  /** How it was started, without this machine's paths. */
  readonly command: string
  stop(): Promise<void>
}

const running = new Set<() => void>()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => {
    for (const kill of running) kill()
    process.exit(130)
  })

/**
 * Starts a server in a process group of its own, and waits until an address answers.
 *
 * @throws Error with the end of what it wrote, where it ends before that or takes too long
 */
export async function startServer(
  [command, ...args]: readonly [string, ...string[]],
  { ready, seconds, environment = {} }: { ready: string; seconds: number; environment?: Record<string, string> },
): Promise<ServerProcess> {
  const stdio = ['ignore', 'pipe', 'pipe'] as const
  const child = spawn(command, args, { detached: true, stdio: [...stdio], env: { ...process.env, ...environment } })
  let output = ''
  const keep = (text: Buffer) => {
    output = (output + text).slice(-20_000)
  }
  child.stdout?.on('data', keep)
  child.stderr?.on('data', keep)
  let ended: string | undefined
  const end = new Promise<void>((resolve) => {
    const over = (why: string) => {
      ended ??= why
      running.delete(kill)
      resolve()
    }
    child.on('error', (error) => over(error.message))
    child.on('close', (code) => over(`it ended with ${code}`))
  })
  const kill = () => signalGroup(child.pid, 'SIGKILL')
  running.add(kill)
  const fail = (why: string) => new Error(`${command} ${args.join(' ')}: ${why}.\n${output.slice(-3000)}`)
  for (const began = Date.now(); !(await answers(ready)); ) {
    if (ended !== undefined) throw fail(ended)
    if (Date.now() - began > seconds * 1000) {
      kill()
      throw fail(`nothing answers at ${ready} after ${seconds} s`)
    }
    await new Promise((resolve) => setTimeout(resolve, 500))
  }
  return {
    command: [command, ...args].map(withoutFolders).join(' '),
    get output() {
      return output
    },
    async stop() {
      signalGroup(child.pid, 'SIGTERM')
      const timer = setTimeout(kill, 10_000)
      await end
      clearTimeout(timer)
      kill() // those of its group that outlived it
    },
  }
}

const withoutFolders = (argument: string): string => argument.replace(/^(?:file:\/\/)?\/(?:.*\/)?/, '')

function signalGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(-pid, signal)
  } catch {
    // It has ended.
  }
}

const answers = (url: string): Promise<boolean> =>
  fetch(url, { signal: AbortSignal.timeout(2000) }).then(
    ({ ok }) => ok,
    () => false,
  )

/** A port of this machine that nobody listens at. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.on('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
}

/** Of what is being served, what its process knows. */
export const served = (server: ServerProcess) => ({ command: server.command, stop: () => server.stop() })

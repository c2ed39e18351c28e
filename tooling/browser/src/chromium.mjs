import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { unpackFromChromium } from '@outrider/software-adapter/unpack'
import { chromium } from 'playwright-core'

const flags = [
  '--no-sandbox', // root, and containers without user namespaces
  '--enable-unsafe-webgpu',
  '--use-webgpu-adapter=swiftshader',
  '--enable-features=Vulkan',
  '--disable-background-networking',
  '--no-first-run',
  '--disable-component-update',
  '--disable-sync',
  '--disable-quic',
]

/** The headless Chromium of `@sparticuz/chromium` with WebGPU on SwiftShader; it needs no system library beyond glibc. */
export async function launchChromium() {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    throw new Error('The npm-shipped Chromium is for linux-x64. On another machine run the browser tests in CI.')
  const folder = await unpackFromChromium('browser', [
    'chromium.br',
    'swiftshader.tar.br',
    'al2023.tar.br',
    'fonts.tar.br',
  ])
  const executablePath = join(folder, 'chromium')
  // Of a container's POSIX locale Chromium makes "en-US@posix", which `Intl` refuses.
  const environment = { ...process.env, FONTCONFIG_PATH: join(folder, 'fonts'), LC_ALL: 'en_US.UTF-8' }
  const env = (await starts(executablePath, environment))
    ? environment
    : { ...environment, LD_LIBRARY_PATH: [join(folder, 'lib'), process.env.LD_LIBRARY_PATH].filter(Boolean).join(':') }
  return chromium.launch({ executablePath, args: flags, env })
}

/** Whether the system has the libraries (nss, nspr, expat) that Chromium links to; the shipped ones serve where not. */
function starts(executable, env) {
  return promisify(execFile)(executable, ['--version'], { env }).then(
    () => true,
    () => false,
  )
}

// `node --conditions=@outrider/source --import @outrider/build/source program.ts`: runs the workspace's TypeScript as it
// stands, without a build: for child processes of tests and for scripts.
import { register } from 'node:module'

register('./source-hooks.mjs', import.meta.url)

// Started by npx, which puts the package that it was asked for before PATH: prints the folder in which pnpm is.
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

const holdsPnpm = (folder) => ['pnpm', 'pnpm.cmd'].some((file) => existsSync(join(folder, file)))
console.log(`pnpm in ${process.env.PATH.split(delimiter).find(holdsPnpm)}`)

// Fetches the model into a folder: npm run model -- FOLDER, default `model`.

import { fetchModel } from './fetch-model'

console.log(`${await fetchModel(process.argv[2] ?? 'model')} is there, its sha256 right.`)

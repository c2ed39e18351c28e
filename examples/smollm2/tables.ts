// What logs say, of ours and of other engines, as one table: npm run tables -- measured.jsonl peers.jsonl

import { tablesOf } from './figures'
import { readLog } from './log'

const files = process.argv.slice(2)
if (files.length === 0) throw new Error('Name the logs: npm run tables -- measured.jsonl peers.jsonl')
console.log(tablesOf((await Promise.all(files.map(readLog))).flat()))

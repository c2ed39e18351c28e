import { expose } from 'comlink'
import { createEngine } from './engine'
import { carryFailures } from './failure'

carryFailures()
expose(createEngine())

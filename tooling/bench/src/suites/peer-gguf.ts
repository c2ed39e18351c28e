import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Device } from '@outrider/tensor'
import { anyText, testData } from '@outrider/test-data'
import {
  directory,
  Llama,
  type ModelConfig,
  openCausalLM,
  type PretrainedModel,
  pretrainedModel,
  randomParameters,
  saveCausalLM,
  saveGguf,
  Tokenizer,
} from '@outrider/transformer'
import { getLlama, LlamaLogLevel, type Token } from 'node-llama-cpp'
import type { Row, Suite } from '../suite'

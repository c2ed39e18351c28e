import { readdir } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { type Capabilities, createDevice, OutriderError } from '@outrider/tensor'
import { type CacheDtype, type KeptTuning, readTuning, tuningDirectory } from '@outrider/transformer'
import { noAdapterRemedy, openAdapter } from '../adapter'
import { type AddCommand, withExamples, withOutputOptions } from '../command'
import type { Context } from '../context'
import { differingLogits, rowFindings } from '../doctor/compare-rows'
import { findDraft } from '../doctor/find-draft/index'
import type { Finding } from '../doctor/finding'
import { inspectModel, modelFindings, printModel } from '../doctor/inspect-model'
import { cacheDtype, modelSource } from '../options/groups'
import { integer } from '../options/parse'
import { bytes } from '../terminal'

export const addDoctor: AddCommand = (program, run) => {
  const command = program
    .command('doctor')
    .summary('what this machine offers: adapter, features, limits; what is missing and the remedy')
    .description(
      'Looks for a WebGPU adapter, prints its features and limits, and says what is missing and how to mend it.',
    )
  command
    .option('--compare-rows', 'whether logits of one row have the same bits beside others, by a small model')
    .option('--model <dir>', `whether this adapter can hold a model: ${modelSource}; only headers are read`)
    .option('--draft <dir>', 'with this draft beside it')
    .option('--context <n>', 'tokens that the cache holds', integer({ least: 1 }), 2048)
    .addOption(cacheDtype())
    .option(
      '--find-draft [dirs...]',
      "what can draft for the model, of the Hub's cache and of these directories, and what it would gain: the model answers ten prompts, each draft reads them",
    )
  withExamples(withOutputOptions(command), [
    ['Which adapter will be used, and what can it do?', 'outrider doctor'],
    ['What is this model, and does it fit?', 'outrider doctor --model model.gguf --draft ./draft --context 4096'],
    ['What of my models speeds this one up?', 'outrider doctor --model model.gguf --find-draft ./models ./drafts'],
    ['Are results on this adapter the same bits, one row or many?', 'outrider doctor --compare-rows'],
    ['For a script', "outrider doctor --json | jq '.adapter.name'"],
  ])
  command.action((flags: DoctorFlags) => run((context) => doctor(context, flags), command))
}

interface DoctorFlags {
  model?: string
  draft?: string
  context: number
  cacheDtype: CacheDtype
  findDraft?: true | string[]
  compareRows?: true
}

async function doctor(context: Context, flags: DoctorFlags): Promise<object> {
  const { model, findDraft: places } = flags
  if (places !== undefined && model === undefined)
    throw new OutriderError('INVALID_ARGUMENT', '--find-draft looks for drafts of a model, and none is given.', {
      remedy: 'Say for which: --model org/name',
    })
  const report = await examineMachine(context, flags)
  if (places === undefined || model === undefined) return report
  return { ...report, ...(await findDraft(context, { model, directories: places === true ? [] : places })) }
}

async function examineMachine(context: Context, flags: DoctorFlags): Promise<object> {
  const { terminal } = context
  const { style } = terminal
  const system = {
    node: process.version,
    platform: `${process.platform}-${process.arch}`,
    vulkan_drivers: await vulkanDrivers(),
    software_adapter: hasSoftwareAdapter() ? '@outrider/software-adapter' : null,
  }
  terminal.print(`${style.bold('System')}   Node ${system.node}, ${system.platform}`)
  if (process.platform === 'linux') {
    terminal.print(`Vulkan   ${system.vulkan_drivers.join(', ') || 'no driver of the system'}`)
    terminal.print(
      `Software ${system.software_adapter ? `SwiftShader of ${system.software_adapter}` : 'none from npm'}`,
    )
  }

  const adapter = await openAdapter().catch((error: unknown) => {
    throw error instanceof OutriderError
      ? error
      : new OutriderError('NO_ADAPTER', String(error), { remedy: noAdapterRemedy })
  })
  const device = await createDevice({ adapter })
  context.atEnd(() => device.dispose()) // also where the command ends before its time
  try {
    const { capabilities } = device
    const works = await addsUp(device)
    const models = await Promise.all(
      [flags.model, flags.draft]
        .filter((path) => path !== undefined)
        .map((path) => inspectModel(path, flags, context.onWarning)),
    )
    const rows = flags.compareRows && (await differingLogits(device))
    const tuning = await readTuning(device, tuningDirectory(context.surroundings.env))
    const findings = [
      ...findingsOf(capabilities, device.isSoftware, works),
      ...wrongKernels(tuning),
      ...(rows ? rowFindings(rows) : []),
      ...models.flatMap((model) => modelFindings(model, capabilities)),
    ]
    terminal.print(
      `\n${style.bold('Adapter')}  ${device.adapterName}${device.isSoftware ? ' (software: correct, slow)' : ''}`,
    )
    terminal.printTable([{ title: 'feature' }, { title: 'value', align: 'right' }], capabilityRows(capabilities))
    for (const model of models) printModel(terminal, model)
    if (models.length > 1)
      terminal.print(
        `\nTogether ${bytes(models.reduce((sum, { device_bytes: held }) => sum + held, 0))} on the device, as stored`,
      )
    terminal.print()
    for (const { level, what, remedy } of findings)
      terminal.print(`${level === 'problem' ? style.red('✗') : style.yellow('•')} ${what}\n  → ${remedy}`)
    if (!findings.some(({ level }) => level === 'problem'))
      terminal.print(
        `${style.green('✓')} A kernel ran and its result is right: ready.${rows ? ' A row has the same bits beside others.' : ''}`,
      )
    return {
      system,
      adapter: { name: device.adapterName, software: device.isSoftware, works },
      capabilities,
      ...(tuning && { tuning }),
      ...(rows && { rows }),
      ...(models.length > 0 && { models }),
      findings,
    }
  } finally {
    device.dispose()
  }
}

/** Kernels that tuning found to be wrong. */
const wrongKernels = (tuning: KeptTuning | undefined): Finding[] =>
  Object.entries(tuning?.wrong ?? {}).map(([key, kernels]) => ({
    level: 'problem',
    what: `Tuning found kernels that compute wrongly on this adapter, for ${key}: ${kernels.join(', ')}.`,
    remedy: 'They are set aside. Update the graphics driver, run outrider tune again, and report it.',
  }))

/** Whether a kernel runs and its result comes back. */
async function addsUp(device: Awaited<ReturnType<typeof createDevice>>): Promise<boolean> {
  const { add } = await import('@outrider/tensor')
  const sums = await device.scope(() => add(device.tensor([1, 2, 3]), device.tensor([10, 20, 30]))).data()
  return [...sums].join() === '11,22,33'
}

function findingsOf(capabilities: Capabilities, software: boolean, works: boolean): Finding[] {
  const findings: Finding[] = []
  if (!works)
    findings.push({
      level: 'problem',
      what: 'The adapter computes 1 + 10 wrongly.',
      remedy: 'Update the graphics driver, or choose another adapter with VK_DRIVER_FILES.',
    })
  if (software)
    findings.push({
      level: 'note',
      what: 'The adapter is a software one: results are right, speed is that of the processor.',
      remedy:
        'On a machine with a GPU, install its Vulkan driver (NVIDIA: libnvidia-gl, AMD and Intel: mesa-vulkan-drivers).',
    })
  if (!capabilities.shaderF16)
    findings.push({
      level: 'note',
      what: 'No shader-f16: f16 weights are widened inside the kernels, and drafts are trained in f32 (--precision mixed is refused).',
      remedy: 'Nothing to do; a newer driver may bring it.',
    })
  if (!capabilities.subgroups)
    findings.push({
      level: 'note',
      what: 'No subgroups: plain kernels are used.',
      remedy: 'Nothing to do; a newer driver may bring them.',
    })
  if (!capabilities.timestampQuery)
    findings.push({
      level: 'note',
      what: 'No timestamp queries: kernels cannot be timed one by one.',
      remedy: 'Nothing to do; needed only for profiling.',
    })
  return findings
}

const capabilityRows = (capabilities: Capabilities): string[][] => [
  ['shader-f16', capabilities.shaderF16 ? 'yes' : 'no'],
  ['subgroups', capabilities.subgroups ? `${capabilities.subgroupMinSize} to ${capabilities.subgroupMaxSize}` : 'no'],
  ['matrix units of subgroups', matrixUnits(capabilities)],
  ['timestamp queries', capabilities.timestampQuery ? 'yes' : 'no'],
  ['one binding', bytes(capabilities.maxBindingBytes)],
  ['one buffer', bytes(capabilities.maxBufferBytes)],
  ['workgroup memory', bytes(capabilities.maxWorkgroupBytes)],
  ['invocations in a workgroup', String(capabilities.maxInvocations)],
  ['storage buffers in a kernel', String(capabilities.maxStorageBuffers)],
]

const matrixUnits = ({ matrixUnits: units = [] }: Capabilities): string =>
  units.map(({ component, m, n, k }) => `${component} ${m} × ${n} × ${k}`).join(', ') || 'no'

async function vulkanDrivers(): Promise<string[]> {
  if (process.env.VK_DRIVER_FILES) return [`${process.env.VK_DRIVER_FILES} (VK_DRIVER_FILES)`]
  const folders = ['/usr/share/vulkan/icd.d', '/etc/vulkan/icd.d', '/usr/local/share/vulkan/icd.d']
  const files = await Promise.all(folders.map((folder) => readdir(folder).catch(() => [])))
  return files.flat().filter((file) => file.endsWith('.json'))
}

function hasSoftwareAdapter(): boolean {
  try {
    createRequire(import.meta.url).resolve('@outrider/software-adapter')
    return process.platform === 'linux' && process.arch === 'x64'
  } catch {
    return false
  }
}

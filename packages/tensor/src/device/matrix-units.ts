/**
 * A product that the subgroups of an adapter compute as a whole: m × k by k × n, summed in f32
 * (https://github.com/gpuweb/gpuweb/blob/main/proposals/subgroup-matrix.md; in Dawn an experiment of the same form).
 */
export interface MatrixUnit {
  /** What the factors are. */
  readonly component: 'f16' | 'f32'
  readonly m: number
  readonly n: number
  readonly k: number
  /** How WGSL says along which side a matrix lies in memory: by a name in the template, or as older Dawn by a `bool` argument. */
  readonly layout: 'template' | 'argument'
}

/** The feature of Dawn. */
export const matrixUnitsFeature = 'chromium-experimental-subgroup-matrix'

/** An entry of `GPUAdapterInfo.subgroupMatrixConfigs`. */
interface SubgroupMatrixConfig {
  readonly componentType: string
  readonly resultComponentType: string
  readonly M: number
  readonly N: number
  readonly K: number
}

/**
 * The units of a device that has asked for the feature, in the adapter's order; none without it, and none where the device makes
 * no pipeline of either form.
 */
export async function matrixUnitsOf(gpu: GPUDevice, info: GPUAdapterInfo | undefined): Promise<readonly MatrixUnit[]> {
  const { subgroupMatrixConfigs: configs } = (info ?? {}) as { subgroupMatrixConfigs?: Iterable<SubgroupMatrixConfig> }
  if (!configs || !gpu.features.has(matrixUnitsFeature as GPUFeatureName)) return []
  const components = gpu.features.has('shader-f16') ? (['f16', 'f32'] as const) : (['f32'] as const)
  const units = [...configs].flatMap(({ componentType, resultComponentType, M, N, K }) => {
    const component = components.find((one) => one === componentType)
    return component && resultComponentType === 'f32' ? [{ component, m: Number(M), n: Number(N), k: Number(K) }] : []
  })
  const [first] = units
  if (!first) return []
  for (const layout of ['template', 'argument'] as const)
    if (await compiles(gpu, { ...first, layout })) return units.map((unit) => ({ ...unit, layout }))
  return []
}

/** WGSL that a kernel of such a unit begins with: directives, and its types `Left`, `Right` and `Sum`. */
export const matrixUnitHead = ({ component, m, n, k }: MatrixUnit): string => `enable subgroups;
enable chromium_experimental_subgroup_matrix;
${component === 'f16' ? 'enable f16;' : ''}
diagnostic(off, chromium.subgroup_matrix_uniformity);
alias Left = subgroup_matrix_left<${component}, ${k}, ${m}>;
alias Right = subgroup_matrix_right<${component}, ${n}, ${k}>;
alias Sum = subgroup_matrix_result<f32, ${n}, ${m}>;`

/** WGSL of a matrix in memory, element (r, c) at `at` + `stride` · r + c, or where it lies by columns at `at` + `stride` · c + r. */
export const loadMatrix = (
  { layout }: MatrixUnit,
  type: 'Left' | 'Right',
  { memory, at, stride, byColumns }: { memory: string; at: string; stride: number; byColumns: boolean },
): string =>
  layout === 'template'
    ? `subgroupMatrixLoad<${type}, ${byColumns ? 'col_major' : 'row_major'}>(&${memory}, ${at}, ${stride}u)`
    : `subgroupMatrixLoad<${type}>(&${memory}, ${at}, ${byColumns}, ${stride}u)`

/** WGSL that puts a matrix into memory, element (r, c) at `at` + `stride` · r + c. */
export const storeMatrix = (
  { layout }: MatrixUnit,
  { memory, at, stride, value }: { memory: string; at: string; stride: number; value: string },
): string =>
  layout === 'template'
    ? `subgroupMatrixStore<row_major>(&${memory}, ${at}, ${value}, ${stride}u);`
    : `subgroupMatrixStore(&${memory}, ${at}, ${value}, false, ${stride}u);`

async function compiles(gpu: GPUDevice, unit: MatrixUnit): Promise<boolean> {
  gpu.pushErrorScope('validation')
  const at = { memory: 'x', at: '0u', stride: 64 }
  const shader = gpu.createShaderModule({
    code: `${matrixUnitHead(unit)}
var<workgroup> x: array<${unit.component}, 4096>;
var<workgroup> y: array<f32, 4096>;
@compute @workgroup_size(128) fn main() {
  let sum = subgroupMatrixMultiplyAccumulate(
    ${loadMatrix(unit, 'Left', { ...at, byColumns: false })}, ${loadMatrix(unit, 'Right', { ...at, byColumns: true })}, Sum());
  ${storeMatrix(unit, { ...at, memory: 'y', value: 'sum' })}
}`,
  })
  const { messages } = await shader.getCompilationInfo()
  const made =
    messages.every(({ type }) => type !== 'error') &&
    (await gpu.createComputePipelineAsync({ layout: 'auto', compute: { module: shader } }).then(
      () => true,
      () => false,
    ))
  await gpu.popErrorScope()
  return made
}

/**
 * Makes SwiftShader, the software Vulkan driver in the npm package `@sparticuz/chromium`, visible to Dawn in this
 * process, behind any Vulkan driver that the machine has. Call it before the first `requestAdapter`.
 *
 * @returns the folder of the unpacked driver, or null where it is not needed or not available (other than linux-x64).
 */
export declare function useSoftwareAdapter(): Promise<string | null>

/** The unpacked driver's folder: `libvulkan.so.1`, `libvk_swiftshader.so`, `vk_swiftshader_icd.json`. */
export declare function unpackSwiftShader(): Promise<string>

export interface SoftwareAdapterOptions {
  /**
   * - `'auto'`: a GPU with its driver comes first, then a software driver that the machine has (lavapipe of Mesa 25), then
   *   SwiftShader. `VK_DRIVER_FILES`, where set, is left alone.
   * - `'swiftshader'`: SwiftShader, whatever else there is
   * - `'system'`: only what the machine has
   *
   * Where left out, the environment's `OUTRIDER_ADAPTER`, else `'auto'`.
   */
  adapter?: 'auto' | 'swiftshader' | 'system'
}

/**
 * Makes sure that Dawn finds a WebGPU adapter in this process and in those that it starts: by `VK_DRIVER_FILES`, which
 * names the driver. Call it before the first `requestAdapter`. SwiftShader is unpacked once into
 * `$XDG_CACHE_HOME/outrider`, or `~/.cache/outrider`.
 *
 * @returns the folder of the SwiftShader that is now in use, or null where the machine's own drivers are: because they
 *   suffice, or because SwiftShader is not made for this machine (it is for Linux x64)
 * @throws Error for another value of `OUTRIDER_ADAPTER`, for `'swiftshader'` on another machine than Linux x64, and where
 *   no cache folder is writable
 */
export declare function useSoftwareAdapter(options?: SoftwareAdapterOptions): Promise<string | null>

/** The adapter that Dawn gives to this process, in words (`SwiftShader Device (…) (software)`); null where there is none. */
export declare function describeAdapter(): Promise<string | null>

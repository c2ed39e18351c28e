/**
 * Makes sure that Dawn finds a WebGPU adapter in this process. Call it before the first `requestAdapter`.
 *
 * A GPU with its driver comes first, then a software driver that the machine has (lavapipe of Mesa 25), then SwiftShader
 * from the npm package `@sparticuz/chromium` (linux-x64), unpacked into `$XDG_CACHE_HOME/outrider`.
 * `OUTRIDER_ADAPTER=swiftshader` takes SwiftShader whatever else there is, `OUTRIDER_ADAPTER=system` never does;
 * `VK_DRIVER_FILES`, where set, is left alone.
 *
 * @returns the folder of the SwiftShader that is now in use, or null where the machine's own drivers are: because they
 *   suffice, or because `@sparticuz/chromium` is not installed or not made for this machine
 * @throws Error for another value of `OUTRIDER_ADAPTER`, where SwiftShader is asked for and absent, and where no cache
 *   folder is writable
 */
export declare function useSoftwareAdapter(): Promise<string | null>

/** The adapter that Dawn gives to this process, in words (`SwiftShader Device (…) (software)`); null where there is none. */
export declare function describeAdapter(): Promise<string | null>

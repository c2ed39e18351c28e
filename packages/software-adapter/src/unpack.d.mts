/**
 * Unpacks archives of the npm package `@sparticuz/chromium` (linux-x64) into one folder of the cache, once a version.
 *
 * @param name  the folder's name in the cache
 * @param archives  names in the package's `bin`, such as `swiftshader.tar.br`
 * @returns the folder
 */
export declare function unpackFromChromium(name: string, archives: readonly string[]): Promise<string>

/**
 * Writes `repository`, `homepage` and `bugs` into the package.json of every folder in `packagesFolder`.
 *
 * @param environment  what a GitHub workflow sets
 * @throws Error where it does not say which repository this is
 */
export declare function stampRepository(
  packagesFolder: string,
  environment: { GITHUB_SERVER_URL?: string | undefined; GITHUB_REPOSITORY?: string | undefined },
): void

/** Seconds since 1970, whole. */
export const unixSeconds = () => Math.floor(Date.now() / 1000)

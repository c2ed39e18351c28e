/** Shows the site, once it is built. */
export declare const previewCommand: string

/** Builds the site of the documentation. */
export declare function docs(): Promise<number>

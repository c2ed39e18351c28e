/** Imported for what it does: `useSoftwareAdapter()`, before the program begins. */
export {}

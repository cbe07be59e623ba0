/** The package.json whose version the programs of the workspace have. */
export const WORKSPACE_MANIFEST = new URL('../../../package.json', import.meta.url)

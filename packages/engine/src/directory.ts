/** Names of the engine's own files in the log's directory; the log's are its own affair. */

/** Which instance of which archive the directory is: docs/formats/instance.md. */
export const INSTANCE_FILE = 'instance.json'
/** The filter as it was at the last stop, with its cut. */
export const FILTER_SNAPSHOT_FILE = 'filter.snapshot'
/** Writes that the archive does not take. */
export const PARKED_FILE = 'parked.ndjson'

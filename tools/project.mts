import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of this clone. */
export const PROJECT = join(dirname(fileURLToPath(import.meta.url)), '..');
/** Everything the tools write is in here; git ignores it, and deleting it is always safe. */
export const WORK = join(PROJECT, '.kling');

export const PACKAGE_NAME = 'n8n-nodes-useapi-kling';
export const NODE_TYPE = `${PACKAGE_NAME}.kling`;
export const CREDENTIAL_TYPE = 'useApiNetApi';

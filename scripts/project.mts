// Where things are in this clone.
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const PROJECT = join(dirname(fileURLToPath(import.meta.url)), '..');
export const PACKAGE_NAME = 'n8n-nodes-useapi-kling';
/** Everything the scripts make is in here; git ignores it, and deleting it is always safe. */
export const WORK = join(PROJECT, '.kling');

import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * The engine under test, and in what it differs from n8n's newest one (docs/versioning.md, "Which n8n is supported").
 * Each version was found in n8n-core's published code.
 */

const manifest = join(dirname(require.resolve('n8n-core')), '..', 'package.json');

export const engineVersion = (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string })
	.version;

const [major, minor] = engineVersion.split('.').map(Number);
const since = (wantedMinor: number): boolean => major > 2 || (major === 2 && minor >= wantedMinor);

/** Resume URLs carry a signature. */
export const signsResumeUrls = since(14);
/** A suspended node can end its execution with an error (`resumeError`). Not in 2.25.0, in 2.27.3. */
export const canFailWaiting = since(27);
/** An item with `error`, `message` and `details` counts as failed. Not in 2.34.0, in 2.34.4. */
export const knowsErrorDetails = since(35);
/** A suspended node's error branch is followed when it is resumed. Not in 2.38.2, in 2.39.0. */
export const resumesAllOutputs = since(39);
/** Says which field is wrong when a workflow cannot start at all. Not in 2.8.1, in 2.41.1. */
export const namesIssues = since(41);

import process from 'node:process';
import { tsImport } from 'tsx/esm/api';

/** Once for all test files that start a real n8n: what they install stands in KLING_TARBALL. */
export default async function pack() {
	const { packTarball } = await tsImport('../../tools/n8n/pack.mts', import.meta.url);
	process.env.KLING_TARBALL = await packTarball();
}

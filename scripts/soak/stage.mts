// Where the soak happens: a real n8n with the packed tarball, a sandbox whose tasks end when they are told to, and
// published workflows.
import { randomUUID } from 'node:crypto';
import { copyFile, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { startSandbox, type Sandbox } from '../../sandbox/server.mts';
import { CREDENTIAL_TYPE } from '../../tools/project.mts';
import type { RestClient } from '../../tools/n8n/restClient.mts';
import { startN8n, type RunningN8n } from '../../tools/n8n/process.mts';
import { step } from '../../tools/terminal.mts';
import { packTarball } from '../../tools/n8n/pack.mts';
import { WORK } from '../../tools/project.mts';
import { manyItems, publish, SEED, singleItem, waitNode, type Published } from './workflows.mts';

const FOLDER = join(WORK, 'soak');
/** n8n's log stays; the rest is thrown away. */
export const LOG = join(FOLDER, 'n8n.log');
/** Small, so that the sandbox leaves the processor to n8n. */
const PICTURE_PX = 16;
/** A task is processing after a quarter of it, when its execution is parked, and may be ended after it. */
const JOB_MS = 3_000;
/** More slots than executions: here the sandbox's job limit is not what is looked at. */
const MAX_JOBS = 5_000;
/**
 * Of the sandbox with n8n. How long useapi.net waits for an answer is not documented, and n8n does not take a call whose
 * caller is gone; so that no machine is too slow for the soak, nobody gives up here, and the report tells how long it took.
 */
const PATIENCE_MS = 40 * 60_000;
/** All of them in one file. */
const EVENT_LOG_MAX_KB = 200_000;

export interface Stage {
	n8n: RunningN8n;
	api: RestClient;
	sandbox: Sandbox;
	/** One item per execution. */
	single: Published;
	/** Many items per execution. */
	many: Published;
	/** n8n's own Wait node in place of Kling. */
	wait: Published;
	/** n8n's own record of every node that ran. */
	eventLog: string;
	close(): Promise<void>;
}

export async function openStage(): Promise<Stage> {
	const folder = join(FOLDER, randomUUID());
	const pictures = join(folder, 'pictures');
	await mkdir(pictures, { recursive: true });
	const size = { width: PICTURE_PX, height: PICTURE_PX };
	await sharp({ create: { ...size, channels: 3, background: 'teal' } }).toFile(
		join(pictures, 'tile.png'),
	);
	const eventLog = join(folder, 'events.log');
	const tarball = await packTarball();
	const n8n = await step('Starting n8n', () =>
		startN8n({
			folder,
			tarball,
			env: {
				N8N_METRICS: 'true',
				N8N_EVENTBUS_LOGWRITER_LOGFULLPATH: eventLog,
				N8N_EVENTBUS_LOGWRITER_MAXFILESIZEINKB: String(EVENT_LOG_MAX_KB),
				NODE_OPTIONS: `--import=${new URL('./collect-garbage.mjs', import.meta.url).href}`,
			},
		}),
	);
	const sandbox = await startSandbox({
		accounts: [{ email: 'artist@example.com', maxJobs: MAX_JOBS }],
		jobMs: JOB_MS,
		hold: true,
		callbackTimeoutMs: PATIENCE_MS,
		picturesFolder: pictures,
		scale: 2,
		seeds: [SEED],
	});
	const close = async () => {
		await n8n.stop();
		await sandbox.close();
		await copyFile(n8n.log, LOG);
		await rm(folder, { recursive: true, force: true });
	};
	try {
		const { api } = n8n;
		await api.login({ email: 'owner@example.com', password: `Kling-${randomUUID()}-1` });
		const { id, name } = await api.createCredential({
			name: 'Sandbox',
			type: CREDENTIAL_TYPE,
			data: { apiToken: sandbox.token, baseUrl: sandbox.url },
		});
		const credentials = { [CREDENTIAL_TYPE]: { id, name } };
		const single = await publish(n8n, singleItem(credentials));
		const many = await publish(n8n, manyItems(credentials));
		const wait = await publish(n8n, waitNode());
		return { n8n, api, sandbox, single, many, wait, eventLog, close };
	} catch (error) {
		await close();
		throw error;
	}
}

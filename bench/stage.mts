// Where everything is measured: a real n8n with the packed nodes in it, and a new sandbox for each measurement.
import { randomUUID } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { SandboxOptions } from '../sandbox/options.mts';
import { startSandbox, type Sandbox } from '../sandbox/server.mts';
import { logTail, startN8n } from '../tools/n8n/process.mts';
import type { RestClient, Workflow } from '../tools/n8n/restClient.mts';
import { WORK } from '../tools/project.mts';
import { step, UserError } from '../tools/terminal.mts';
import { answered } from './executions.mts';
import { COLLECTOR, Probe } from './probe.mts';
import { VENDOR_URL } from './workflows.mts';

/** What useapi.net allows an account. */
const MOST_SLOTS = 50;
/** Images are as old as this, as most that are upscaled. */
const IMAGE_AGE_MS = 24 * 60 * 60_000;
const FIRST_IMAGE = 700_000_000;
/** How long useapi.net waits is not documented, and n8n takes no call whose caller is gone: here nobody gives up. */
const PATIENCE_MS = 40 * 60_000;

/** Everything a run makes, thrown away at its end. */
export const FOLDER = join(WORK, 'bench', randomUUID());

/**
 * One image to upscale; the reference comes back as `replyRef`, the account is absent where there is only one. All images
 * of a site differ: the node pays for the same image only once.
 */
export type Image = { taskId: string; workId: string; reference: string; account?: string };
/** A published workflow, and where in n8n a call starts it. */
export type Published = { id: string; path: string };
export interface SiteOptions extends SandboxOptions {
	/** How many images there are to upscale. */
	images: number;
	/** Jobs that each account may run at once, at most 50; unless given, 50 on as many accounts as all images need. */
	slots?: number;
}
export interface Site {
	api: RestClient;
	probe: Probe;
	sandbox: Sandbox;
	images: Image[];
	/** n8n's own record of every node that ran. */
	eventLog: string;
	publish(workflow: Workflow): Promise<Published>;
}
export type Package = { name: string; tarball: string };
export interface Stage {
	probe: Probe;
	/** The Kling node, and those it is compared with. */
	packages: Package[];
	/** Where n8n has installed them. */
	modules: string;
	/** Does some work with a new sandbox, as a step of this title. */
	site<T>(title: string, options: SiteOptions, work: (site: Site) => Promise<T>): Promise<T>;
}

/** A new n8n with nothing in it but these packages; cleared away after the work. */
export async function withStage<T>(packages: Package[], work: (stage: Stage) => Promise<T>) {
	const folder = join(FOLDER, randomUUID());
	await mkdir(folder, { recursive: true });
	const eventLog = join(folder, 'events.log');
	const tarballs = packages.map(({ tarball }) => tarball);
	const env = {
		N8N_EVENTBUS_LOGWRITER_LOGFULLPATH: eventLog,
		N8N_EVENTBUS_LOGWRITER_MAXFILESIZEINKB: '200000',
		NODE_OPTIONS: `--import=${COLLECTOR}`,
	};
	const n8n = await step('Starting n8n', () => startN8n({ folder, tarballs, env }));
	const { api } = n8n;
	const probe = new Probe(n8n);

	const site: Stage['site'] = async (title, { images: count, slots, ...options }, use) => {
		const accounts = Array.from({ length: slots ? 1 : Math.ceil(count / MOST_SLOTS) }, (_, at) => ({
			email: `artist-${at + 1}@example.com`,
			maxJobs: slots ?? MOST_SLOTS,
		}));
		const images = Array.from({ length: count }, (_, at) => ({
			taskId: String(FIRST_IMAGE + 10 * at),
			workId: String(FIRST_IMAGE + 10 * at + 1),
			reference: `item-${at + 1}`,
			...(accounts.length > 1 && { account: accounts[at % accounts.length].email }),
		}));
		const createTime = Date.now() - IMAGE_AGE_MS;
		const sandbox = await startSandbox({
			accounts,
			// Making the results takes no time.
			onePixel: true,
			callbackTimeoutMs: PATIENCE_MS,
			seeds: images.map(({ taskId, workId }) => ({ taskId, workId, createTime })),
			...options,
		});
		const publish = async (workflow: Workflow): Promise<Published> => {
			const text = JSON.stringify(workflow).replaceAll(VENDOR_URL, sandbox.url);
			const { nodes, ...rest } = JSON.parse(text) as Workflow;
			for (const node of nodes) {
				for (const type of Object.keys(node.credentials ?? {})) {
					const { token, url: baseUrl } = sandbox;
					// Of n8n-nodes-useapi-net, no user can change the Base URL, a hidden field; there is only the sandbox to ask.
					const data = type === 'httpBearerAuth' ? { token } : { apiToken: token, baseUrl };
					const { id, name } = await api.createCredential({ name: randomUUID(), type, data });
					node.credentials = { [type]: { id, name } };
				}
			}
			const path = `/webhook/${(nodes[0].parameters.path = randomUUID())}`;
			const saved = await api.importWorkflow({ nodes, ...rest });
			await api.publishWorkflow(saved);
			// A workflow that has just been published answers 404 for a moment. A GET starts nothing.
			await answered(async () => {
				const text = await (await fetch(n8n.url + path)).text();
				if (!text.includes('Did you mean to make a POST request')) throw new UserError(text);
			});
			return { id: saved.id, path };
		};
		const opened = { api, probe, sandbox, images, eventLog, publish };
		return await step(title, () => use(opened)).finally(sandbox.close);
	};

	try {
		await api.login({ email: 'owner@example.com', password: `Kling-${randomUUID()}-1` });
		const modules = join(folder, 'n8n', '.n8n', 'nodes', 'node_modules');
		return await work({ probe, packages, modules, site });
	} catch (error) {
		const log = await logTail(n8n.log);
		throw new UserError(`${(error as Error).stack}\n  What matters in n8n's log:\n${log}`);
	} finally {
		await n8n.stop();
		await rm(folder, { recursive: true, force: true });
	}
}

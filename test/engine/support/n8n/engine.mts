import 'reflect-metadata';

import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { inspect } from 'node:util';

import {
	BinaryDataConfig,
	BinaryDataService,
	ExecutionLifecycleHooks,
	LoadOptionsContext,
	PackageDirectoryLoader,
	WorkflowExecute,
} from 'n8n-core';
import type {
	IBinaryData,
	ICredentialType,
	ICredentialsHelper,
	IDataObject,
	IHttpRequestOptions,
	INode,
	INodeExecutionData,
	INodeListSearchResult,
	INodeType,
	INodeTypes,
	IRun,
	IWorkflowExecuteAdditionalData,
} from 'n8n-workflow';
import * as n8nWorkflow from 'n8n-workflow';
import { Workflow } from 'n8n-workflow';

import { begin, passing, real, startClock, stopClock } from './clock.mts';
import { againType, agentType, asTool, passType, startType } from './nodes.mts';
import './requests.mts';
import { klingWorkflow, type EngineWorkflow } from './workflows.mts';

/**
 * Runs real workflow JSON on n8n-core's own WorkflowExecute, with this package loaded from its build by n8n's own
 * loader. Only what n8n's server adds around the core (credential store, database) is stood in for here.
 */

const PACKAGE_FOLDER = resolve(import.meta.dirname, '../../../..');

/** n8n-core's own copy: several versions of @n8n/di may stand in node_modules, each with a container of its own. */
const { Container } = require(
	require.resolve('@n8n/di', { paths: [dirname(require.resolve('n8n-core'))] }),
) as { Container: { get<T>(type: new (...args: never[]) => T): T } };

/** n8n-core keeps its settings and files here, not in the home of whoever runs the tests. */
const storage = mkdtempSync(join(tmpdir(), 'kling-engine-'));
process.env.N8N_USER_FOLDER = storage;
process.env.N8N_ENCRYPTION_KEY = 'engine-tests';
// Errors are part of what is tested; n8n would print each of them.
process.env.N8N_LOG_LEVEL = 'silent';

let loaded: Promise<PackageDirectoryLoader> | undefined;

function loadPackage(): Promise<PackageDirectoryLoader> {
	loaded ??= (async () => {
		Container.get(BinaryDataConfig).localStoragePath = join(storage, 'files');
		const files = Container.get(BinaryDataService);
		await files.init();
		writeInNoTime(files);
		readInNoTime(files);
		waitForPatterns();
		const loader = new PackageDirectoryLoader(PACKAGE_FOLDER);
		await loader.loadAll();
		return loader;
	})();
	return loaded;
}

/** n8n gives up a regular expression after 250 ms by the real clock, which is too little on a busy machine. */
function waitForPatterns(): void {
	// Not in n8n-workflow 2.8, which has no such limit.
	n8nWorkflow.setSafeRegexEngine?.({
		exec: (pattern, input, flags) => new RegExp(pattern, flags).exec(input),
		test: (pattern, input, flags) => new RegExp(pattern, flags).test(input),
		replace: (pattern, input, flags, replacement) =>
			input.replace(new RegExp(pattern, flags), replacement),
		matchAll: (pattern, input, flags = '') => [
			...input.matchAll(new RegExp(pattern, `${flags.replace('g', '')}g`)),
		],
		split: (pattern, input, flags) => input.split(new RegExp(pattern, flags)),
	});
}

/** What is read from the network may take its time, what is written to the disk takes none. */
function writeInNoTime(files: BinaryDataService): void {
	const store = files.store.bind(files);
	files.store = async (location, source, data) => {
		const ends: Array<() => void> = [];
		const isWriting = () => void ends.push(begin());
		if (source instanceof Readable) source.once('end', isWriting);
		else isWriting();
		return await store(location, source, data).finally(() => ends.forEach((end) => end()));
	};
}

function readInNoTime(files: BinaryDataService): void {
	const open = files.getAsStream.bind(files);
	files.getAsStream = async (...request) => {
		const end = begin();
		const stream = await open(...request).catch((error: Error) => {
			end();
			throw error;
		});
		return stream.once('close', end);
	};
}

/** Nor does what n8n's process computes elsewhere. */
const digest = crypto.subtle.digest.bind(crypto.subtle);
crypto.subtle.digest = async (...request) => await real(async () => await digest(...request));

// Once in real time, since no request shows that files are loaded.
beforeAll(loadPackage);
beforeEach(() => startClock());
afterEach(stopClock);
afterAll(() => rmSync(storage, { recursive: true, force: true }));

/** What n8n would write into its log, at whatever level, from now on: n8n-core's own loggers are listened to. */
export function recordLog(): string[] {
	const lines: string[] = [];
	const { Logger } = require(
		require.resolve('@n8n/backend-common', { paths: [dirname(require.resolve('n8n-core'))] }),
	) as { Logger: { prototype: { log(...entry: unknown[]): void } } };
	jest.spyOn(Logger.prototype, 'log').mockImplementation((...entry) => {
		lines.push(inspect(entry, { depth: 10 }));
	});
	return lines;
}

export interface EngineRun {
	run: IRun;
	/** The execution's id, as far as it is known. */
	executionId?: string;
	/** Output items of a node by its output, e.g. `items('Kling')` or `items('Kling', 1)` for its error branch. */
	items(nodeName: string, output?: number, runIndex?: number): INodeExecutionData[];
	/** The error that stopped the execution, as n8n's output panel gets it. */
	error?: { message: string; description?: string; httpCode?: string; context: IDataObject };
	hints(nodeName: string): Array<{ message: string }>;
}

export interface Credentials {
	apiToken: string;
	baseUrl: string;
}

/** n8n's own objects for a workflow of this package, and what its server would add to them. */
export async function prepare(
	{ nodes, connections, waitingUrl = 'http://127.0.0.1/webhook-waiting' }: EngineWorkflow,
	credentials: Credentials,
	{
		id = 'test-workflow',
		staticData = {},
		// One of its own, as n8n gives: tests that run at once must not be taken for one and the same execution.
		executionId = randomUUID(),
	}: { id?: string; staticData?: IDataObject; executionId?: string } = {},
) {
	const loader = await loadPackage();
	const nodeTypes: INodeTypes = {
		getByName: (type) => nodeTypes.getByNameAndVersion(type),
		getByNameAndVersion(type) {
			if (type === 'test.start') return startType;
			if (type === 'test.pass') return passType;
			if (type === 'test.again') return againType;
			if (type === 'test.agent') return agentType;
			const own = loader.getNode(type.split('.')[1].replace(/Tool$/, '')).type as INodeType;
			return type.endsWith('Tool') ? asTool(own) : own;
		},
		getKnownTypes: () => ({}),
	};
	const workflow = new Workflow({
		id,
		name: 'Test',
		nodes,
		connections,
		active: false,
		nodeTypes,
		staticData,
		settings: { executionOrder: 'v1' },
	});
	const hooks = new ExecutionLifecycleHooks('manual', executionId, {
		id,
		name: 'Test',
		active: false,
		isArchived: false,
		nodes,
		connections,
		createdAt: new Date(),
		updatedAt: new Date(),
	} as never);
	const additionalData = {
		credentialsHelper: credentialsHelper(
			loader.getCredential('useApiNetApi').type as ICredentialType,
			credentials,
		),
		hooks,
		executionId,
		workflowId: id,
		currentNodeExecutionIndex: 0,
		restApiUrl: 'http://127.0.0.1/rest',
		instanceBaseUrl: 'http://127.0.0.1/',
		webhookBaseUrl: 'http://127.0.0.1/webhook',
		webhookWaitingBaseUrl: waitingUrl,
		formWaitingBaseUrl: 'http://127.0.0.1/form-waiting',
		variables: {},
		logAiEvent: () => {},
		setExecutionStatus: () => {},
	} as unknown as IWorkflowExecuteAdditionalData;

	return { workflow, additionalData };
}

/** Runs to the end, or until `cancel` is called. */
export async function startWorkflow(
	definition: EngineWorkflow,
	credentials: Credentials,
): Promise<{ cancel: () => void; done: Promise<EngineRun> }> {
	const { workflow, additionalData } = await prepare(definition, credentials);
	const running = new WorkflowExecute(additionalData, 'manual').run({
		workflow,
		startNode: workflow.getNode('Start') ?? undefined,
	});
	const { executionId } = additionalData;
	const done = passing(async () => readRun(await running, executionId));
	return { cancel: () => running.cancel(), done };
}

export async function runWorkflow(
	workflow: EngineWorkflow,
	credentials: Credentials,
): Promise<EngineRun> {
	return await (
		await startWorkflow(workflow, credentials)
	).done;
}

/** Asks for a picker's list as the editor does, with the other fields of the node as they stand. */
export async function searchList(
	method: string,
	parameters: IDataObject,
	credentials: Credentials,
	filter?: string,
	paginationToken?: string,
): Promise<INodeListSearchResult> {
	const { workflow, additionalData } = await prepare(klingWorkflow([], parameters), credentials);
	additionalData.currentNodeParameters = parameters as INode['parameters'];
	const node = workflow.getNode('Kling')!;
	const { methods } = workflow.nodeTypes.getByNameAndVersion(node.type) as INodeType;
	const context = new LoadOptionsContext(workflow, node, additionalData, 'parameters');
	return await passing(
		async () => await methods!.listSearch![method].call(context, filter, paginationToken),
	);
}

/** The file behind an output item's binary field. */
export async function readBinary(binary: IBinaryData): Promise<Buffer> {
	return await Container.get(BinaryDataService).getAsBuffer(binary);
}

export function readRun(run: IRun, executionId?: string): EngineRun {
	const { runData, error } = run.data.resultData;
	return {
		run,
		executionId,
		items: (nodeName, output = 0, runIndex = 0) =>
			runData[nodeName]?.[runIndex]?.data?.main?.[output] ?? [],
		error: error as unknown as EngineRun['error'],
		hints: (nodeName) => runData[nodeName]?.[0]?.hints ?? [],
	};
}

/** n8n's server keeps credentials and puts them into requests; this does the same with the type's own expressions. */
function credentialsHelper(type: ICredentialType, credentials: Credentials): ICredentialsHelper {
	return {
		getParentTypes: () => [],
		isCredentialUsableByNode: () => true,
		preAuthentication: async () => undefined,
		getDecrypted: async () => ({ ...credentials }),
		async authenticate(
			decrypted: IDataObject,
			_typeName: string,
			options: IHttpRequestOptions,
			workflow: Workflow,
			node: INode,
		) {
			if (typeof type.authenticate !== 'object') throw new Error('The credential is not generic');
			const headers = Object.entries(type.authenticate.properties.headers ?? {}).map(
				([name, value]) => [
					name,
					workflow.expression.getSimpleParameterValue(node, value as string, 'internal', {
						$credentials: decrypted as never,
					}),
				],
			);
			return { ...options, headers: { ...options.headers, ...Object.fromEntries(headers) } };
		},
	} as unknown as ICredentialsHelper;
}

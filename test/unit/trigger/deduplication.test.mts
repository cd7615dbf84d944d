import type { IDataObject, IWebhookFunctions } from 'n8n-workflow';

import { claim, persist } from '../../../nodes/Kling/trigger/deduplication.ts';
import { n8nWith, realTime, virtualTime } from '../../support/fakes.mts';

const HOUR_MS = 3_600_000;

beforeEach(virtualTime);
afterEach(realTime);

const triggerOf = (workflowId: string, staticData: IDataObject, nodeId = 'node') =>
	n8nWith<IWebhookFunctions>(
		{ node: { id: nodeId } },
		{ getWorkflow: () => ({ id: workflowId }), getWorkflowStaticData: () => staticData },
	);

/** n8n as the memory sees it: static data is loaded with each call, and saved after it if anything was changed. */
function n8n() {
	let database = '{}';
	let processes = 0;
	const start = () => {
		// The node keeps this by workflow, so another id is as good as another process.
		const id = `workflow-${++processes}-${Math.random()}`;
		const load = (nodeId = 'node') => {
			const staticData = JSON.parse(database) as IDataObject;
			const context = triggerOf(id, staticData, nodeId);
			return {
				claim: (what: string) => claim(context, what),
				finish: () => {
					persist(context);
					database = JSON.stringify(staticData);
				},
			};
		};
		return { load };
	};
	return { start, stored: () => Object.keys((JSON.parse(database) as IDataObject).started ?? {}) };
}

test('the first gets it, within a call and in the next', () => {
	const process = n8n().start();
	const call = process.load();
	expect([call.claim('1 succeed'), call.claim('1 succeed')]).toEqual([true, false]);
	expect(call.claim('1 failed')).toBe(true);
	// Not yet saved, and known all the same.
	expect(process.load().claim('1 succeed')).toBe(false);
});

test('another trigger of the workflow has a memory of its own', () => {
	const process = n8n().start();
	expect(process.load('one').claim('1 succeed')).toBe(true);
	expect(process.load('two').claim('1 succeed')).toBe(true);
});

test('another process knows what was saved', () => {
	const server = n8n();
	const call = server.start().load();
	call.claim('1 succeed');
	call.finish();
	expect(server.start().load().claim('1 succeed')).toBe(false);
});

test('calls that overlap do not lose each other’s tasks, whichever ends last', () => {
	const server = n8n();
	const process = server.start();
	const [slow, quick] = [process.load(), process.load()];
	slow.claim('1 succeed');
	quick.claim('2 succeed');
	quick.finish();
	slow.finish();
	expect(server.stored().sort()).toEqual(['1 succeed', '2 succeed']);
});

test('what is two days old is forgotten', () => {
	const server = n8n();
	const process = server.start();
	const callAndFinish = (what: string) => {
		const call = process.load();
		const first = call.claim(what);
		call.finish();
		return first;
	};
	callAndFinish('1 succeed');
	jest.advanceTimersByTime(47 * HOUR_MS);
	expect(callAndFinish('1 succeed')).toBe(false);
	jest.advanceTimersByTime(2 * HOUR_MS);
	callAndFinish('2 succeed');
	expect(server.stored()).toEqual(['2 succeed']);
	expect(callAndFinish('1 succeed')).toBe(true);
});

test('of very many the newest two thousand are kept', () => {
	const server = n8n();
	const process = server.start();
	const call = process.load();
	for (let number = 0; number < 2_500; number++) {
		jest.advanceTimersByTime(1);
		call.claim(`${number} succeed`);
	}
	call.finish();
	expect(server.stored()).toHaveLength(2_000);
	expect(process.load().claim('2499 succeed')).toBe(false);
	expect(process.load().claim('500 succeed')).toBe(false);
	expect(process.load().claim('499 succeed')).toBe(true);
});

test('a stored time that is none does not make this process forget', () => {
	const staticData: IDataObject = {};
	const context = triggerOf('tampered with', staticData);
	claim(context, '1 succeed');
	staticData.started = { '1 succeed': 'yesterday' };
	persist(context);
	expect(staticData.started).toEqual({ '1 succeed': Date.now() });
});

test('what n8n has stored in another form is passed over', () => {
	for (const started of [null, 'text', 7, ['1 succeed'], { '2 succeed': 'yesterday' }]) {
		const staticData = { started } as IDataObject;
		const context = triggerOf(JSON.stringify(started), staticData);
		expect(claim(context, '1 succeed')).toBe(true);
		persist(context);
		expect(Object.keys(staticData.started as object)).toContain('1 succeed');
	}
});

import fc from 'fast-check';

/** What a sequence may be made of: a workflow, an API, and what happens while it runs. */

/** What a job of an image comes to. `unknown` has no such task; `invalid` is refused by the node itself. */
const IMAGES = ['one', 'two', 'three', 'fails', 'forbidden', 'unknown', 'invalid'] as const;
export type Image = (typeof IMAGES)[number];

export interface Item {
	image: Image;
	account: 'a@example.com' | 'b@example.com';
}

/** What becomes of a callback: it may be lost, come late, or twice. A receiver that is not suspended yet refuses it. */
const CALLBACKS = ['delivered', 'lost', 'late', 'twice'] as const;

/** The calls of the API that can go wrong. */
export const CALLS = ['post', 'upload', 'task', 'list', 'running', 'file'] as const;
export type Call = (typeof CALLS)[number];

/** What can go wrong with a call; those with "After" happen when it has taken effect. */
const FAULTS = ['unsent', 'lost', '429', '400', '404', '302', '500', '504'] as const;
const FAULTS_AFTER = ['lostAfter', 'emptyAfter', '504After'] as const;
export type FaultName = (typeof FAULTS | typeof FAULTS_AFTER)[number];

/** Longer than anything takes that is not lost, in seconds. */
export const LONG_TIMEOUT = 900;

const setup = fc.record({
	items: fc.array(
		fc.record<Item>({
			image: fc.oneof(
				{ weight: 3, arbitrary: fc.constantFrom(...IMAGES.slice(0, 3)) },
				{ weight: 2, arbitrary: fc.constantFrom(...IMAGES.slice(3)) },
			),
			account: fc.constantFrom('a@example.com', 'b@example.com'),
		}),
		{ minLength: 1, maxLength: 4 },
	),
	/** An upscale of Kling's image, or an enhance of a link or a file. */
	source: fc.constantFrom('kling' as const, 'kling', 'link', 'file'),
	wait: fc.constantFrom('poll', 'callback', 'callback', 'none'),
	download: fc.boolean(),
	reuse: fc.boolean(),
	/** Time Limit, in seconds. */
	timeout: fc.constantFrom(60, 100, LONG_TIMEOUT),
	onError: fc.constantFrom('stopWorkflow' as const, 'continueRegularOutput', 'continueErrorOutput'),
	retryOnFail: fc.boolean(),
	executeOnce: fc.oneof({ weight: 5, arbitrary: fc.constant(false) }, fc.boolean()),
	/** Which output is wired back to the node, and how often: to try again, or to go on with the next items. */
	loop: fc.constantFrom('none', 'none', 'error', 'success'),
	rounds: fc.integer({ min: 1, max: 2 }),
	jobMs: fc.constantFrom(1_000, 20_000, 70_000),
	maxJobs: fc.constantFrom(5, 1),
	readLagMs: fc.constantFrom(0, 1_000, 15_000),
	listLagMs: fc.constantFrom(0, 3_000),
	/** Whether lists tell of every task, also without works, what it is of. */
	wholeLists: fc.oneof({ weight: 4, arbitrary: fc.constant(true) }, fc.boolean()),
	/** In the order in which callbacks are sent; those after them are delivered. */
	callbacks: fc.array(fc.constantFrom(...CALLBACKS), { maxLength: 6 }),
});
export type Setup = typeof setup extends fc.Arbitrary<infer T> ? T : never;

const pass = fc.record({
	do: fc.constant('pass' as const),
	ms: fc.constantFrom(1, 60, 500, 5_000, 25_000, 80_000),
});
const spoil = fc.record({
	do: fc.constant('spoil' as const),
	call: fc.oneof(fc.constant('post' as const), fc.constantFrom(...CALLS)),
	fault: fc.oneof(fc.constantFrom(...FAULTS), fc.constantFrom(...FAULTS_AFTER)),
	times: fc.constantFrom(1, 2, 20),
});
const act = fc.record({
	/** `run` and `retry` wait for the end of what runs; `kill` ends n8n's process, which starts again at once. */
	do: fc.constantFrom('run' as const, 'retry' as const, 'kill' as const, 'cancel' as const),
});
const step = fc.oneof(
	{ weight: 4, arbitrary: pass },
	{ weight: 4, arbitrary: spoil },
	{ weight: 3, arbitrary: act },
);
export type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

export const sequences = fc.record({ setup, steps: fc.array(step, { maxLength: 8, size: 'max' }) });
export interface Sequence {
	setup: Setup;
	steps: Step[];
}

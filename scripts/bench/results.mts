// What a whole run of the benchmarks brings together.
import type { Settings } from './settings.mts';

/** Requests to the API, files not counted. */
export interface RequestCount {
	total: number;
	/** Jobs sent, those that were refused among them. */
	posts: number;
	gets: number;
}

/** One execution of a workflow. */
export interface Run {
	items: number;
	jobMs: number;
	slots: number;
	/** From start to end, as n8n notes it. */
	seconds: number;
	requests: RequestCount;
	/** Jobs that the API took, each of which spends credits. */
	accepted: number;
	/** Items that came out with a finished upscale. */
	finished: number;
	/** n8n's words for what went wrong. */
	error?: string;
}

/** In bytes: before a run, at its highest, and some seconds after it. */
export interface Memory {
	before: number;
	peak: number;
	after: number;
}

/** From the last callback of a finished task until the execution ended, in ms. */
export type CallbackRun = Run & { afterCallbackMs: number };

/** When results were seen, in task times since their tasks were made. */
export type SeenRun = Run & { seen: { median: number; latest: number } };

/** One item with Download Image, in the order in which it was run. */
export interface FileMemory {
	/** Size of n8n's process. */
	small?: Memory;
	/** The first large file of this n8n, for which Node.js has to enlarge its buffers. */
	large?: Memory;
	/** The second one. */
	again?: Memory;
	/** What is in use with another large one. */
	use?: Memory;
}

export interface PackageFigures {
	name: string;
	version: string;
	tarballBytes: number;
	/** What a fresh process needs to load all nodes and credentials and make one of each, in ms; the median. */
	loadMs: number;
	loads: number;
	nodes: number;
	credentials: number;
}

export interface Machine {
	date: string;
	system: string;
	processor: string;
	cores: number;
	memoryBytes: number;
	/** The Node.js that runs n8n. */
	node: string;
	/** The Node.js that runs the sandbox and the bench. */
	benchNode: string;
	n8n: string;
	/** How many processes wanted a core when the bench began. */
	load: number;
}

export interface Results {
	settings: Settings;
	machine: Machine;
	own: PackageFigures;
	/** Or why there is none. */
	rival: PackageFigures | { error: string };
	single: Run;
	few: Run;
	batch: Run;
	/** Absent when the installed node cannot pause until it is called back. */
	callbacks: CallbackRun[];
	/** Item by item, for each pause of the Wait node: one item, and a few. */
	loops: Array<{ pauseSeconds: number; single: Run; few: Run }>;
	/** All items at once: as many as there are slots, and one more. */
	atOnce: { pauseSeconds: number; fitting: Run; oneMore: Run };
	/** The rival as published, and with an API that lets its request through. */
	rivalRuns?: { plain: Run; letThrough: Run };
	growth: Array<Run & { memory?: Memory }>;
	file: FileMemory;
	/** All tasks at work at the same time. */
	watched: { use?: Memory; size?: Memory; run: Run; loopSize?: Memory; loopRun: Run };
	long?: SeenRun;
}

// What is measured, with which numbers. The quick run is for trying the bench out; its figures are not published.

export interface Settings {
	quick: boolean;
	/** How long a task runs at "Kling", in ms. */
	jobMs: number;
	/** Jobs the account may run at once. */
	slots: number;
	/** Items that are sent one by one and together, by this node and by its rivals. */
	few: number;
	/** Items of the large batch. */
	batch: number;
	/** Pauses of the loop's Wait node, in seconds: see docs/benchmarks.md for why these. */
	loopPauses: number[];
	/** How cost grows: shorter tasks and more slots, so that the largest ends in reasonable time. */
	growth: { items: number[]; jobMs: number; slots: number };
	/** Tasks that are all at work at the same time, over as many accounts as it takes. */
	watched: { accounts: number; slots: number; jobMs: number };
	/** Size of the result file whose way to n8n's storage is measured. */
	fileBytes: number;
	/** The batch whose requests are counted. The pauses between two looks are what they are, so its tasks cannot be shortened. */
	long: { items: number; jobMs: number; slots: number } | undefined;
	/** Fresh processes per package, for the time it takes to load. */
	loads: number;
}

export const FULL: Settings = {
	quick: false,
	jobMs: 20_000,
	slots: 10,
	few: 10,
	batch: 100,
	loopPauses: [10, 5],
	growth: { items: [1, 10, 100, 1_000], jobMs: 5_000, slots: 50 },
	watched: { accounts: 20, slots: 50, jobMs: 30_000 },
	fileBytes: 100_000_000,
	long: { items: 100, jobMs: 60_000, slots: 10 },
	loads: 15,
};

export const QUICK: Settings = {
	quick: true,
	jobMs: 6_000,
	slots: 4,
	few: 4,
	batch: 12,
	loopPauses: [3],
	growth: { items: [1, 10, 100], jobMs: 3_000, slots: 50 },
	watched: { accounts: 4, slots: 50, jobMs: 8_000 },
	fileBytes: 100_000_000,
	long: undefined,
	loads: 5,
};

/** What this project promises. Sizes in bytes with 1 MB as 1,000,000 of them, times in ms. */
export const TARGETS = {
	/** Of a batch's time to its limit, ceil(items / slots) task times. */
	batchShare: 1.1,
	/** Of one item's time to its task's, and of the moment a result is seen. */
	singleShare: 1.2,
	callbackMs: 500,
	timesFasterThanLoop: 9,
	tarballBytes: 60_000,
	loadMs: 20,
	fileGrowthBytes: 32_000_000,
	watchedGrowthBytes: 50_000_000,
	requestsPerTask: 3,
};

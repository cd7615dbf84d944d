import { faultTable } from './support/fault-doc.mts';
import { asPair, callNames, calls, type CallName } from './support/fault-table.mts';
import { faultNames, faults, outcomes, type FaultName, type Outcome } from './support/faults.mts';
import type { Seen } from './support/fault-stage.mts';
import { trials } from './support/fault-trials.mts';

/**
 * Every line of the fault table, tried on n8n's own engine. Many of them wait for a while, so all are begun before the
 * first is looked at.
 */

/** Enough to wait together, few enough not to disturb each other's times. */
const AT_ONCE = 24;
/** Those that take half a minute or more come first, all together. */
const LONG: FaultName[] = ['hang', 'stall'];
const isLong = ({ call, variant, fault, lasting, outcome }: Line) =>
	LONG.includes(fault) ||
	(variant === 'Pause Until Called Back' && outcome === 'lookedUp') ||
	(call === 'calledBack' && fault === '404' && lasting);
/** What a fault that stays would take: minutes. `retry.test` and `poller.test` count the tries without waiting. */
const TOO_LONG_TO_STAY: FaultName[] = LONG;
/** Waited for by `timeouts.test`, without waiting: 300 seconds for an answer, 10 minutes for a file. */
const TOO_LONG: Array<[CallName, FaultName]> = [
	['upscale', 'hang'],
	['upscale', 'stall'],
	['file', 'stall'],
];
/** Kling Trigger looks again for a minute; `trigger-look.test` counts its looks without waiting. */
const isAnotherMinute = ({ call, fault, lasting, outcome }: Line) =>
	call === 'triggered' &&
	outcome === 'logged' &&
	(fault === 'tls' || (lasting && calls.triggered.promises[fault] !== 'logged' && fault !== '404'));
const isTooLong = (call: CallName, fault: FaultName) =>
	TOO_LONG.some(([one, other]) => one === call && other === fault);
/** With Pause Until Called Back the shortest time limit is a minute. */
const isOneMinute = ({ variant, outcome }: Line) =>
	variant === 'Pause Until Called Back' && outcome === 'noSlot';
/** Nor does a job come to be watched whose POST met the certificate, or a list to be asked for after another one. */
const isMetBefore = ({ call, variant, fault }: Line) =>
	fault === 'tls' &&
	((call === 'watch' && variant === 'Upscale') || (call === 'earlierJob' && variant === 'Tasks'));

interface Line {
	call: CallName;
	variant: string;
	fault: FaultName;
	lasting: boolean;
	outcome: Outcome;
}

const lines: Line[] = callNames.flatMap((call) =>
	Object.keys(trials[call]).flatMap((variant) =>
		faultNames.flatMap((fault): Line[] => {
			if (isTooLong(call, fault)) return [];
			const [once, lasting] = asPair(calls[call].promises[fault]);
			const both = [{ call, variant, fault, lasting: false, outcome: once }];
			if (lasting !== once && !TOO_LONG_TO_STAY.includes(fault)) {
				both.push({ call, variant, fault, lasting: true, outcome: lasting });
			}
			// A certificate does not become trusted by asking again.
			if (fault === 'tls') both[0].lasting = true;
			return both.filter(
				(line) =>
					line.outcome !== 'before' &&
					!isOneMinute(line) &&
					!isAnotherMinute(line) &&
					!isMetBefore(line),
			);
		}),
	),
);

const results = new Map<Line, Promise<Seen>>();

beforeAll(async () => {
	const waiting = lines.filter((line) => !isLong(line));
	const begin = (line: Line) => {
		const seen = trials[line.call][line.variant](line);
		results.set(line, seen);
		return seen;
	};
	const worker = async () => {
		for (let line = waiting.shift(); line; line = waiting.shift())
			await begin(line).catch(() => {});
	};
	await Promise.allSettled([
		...lines.filter(isLong).map(begin),
		...Array.from({ length: AT_ONCE }, worker),
	]);
}, 180_000);

afterAll(() => {
	process.stdout.write(`\n${faultTable()}\n\n${lines.length} trials of these lines.\n`);
});

/** What must be seen of it. */
const check: Record<Outcome, (seen: Seen, line: Line) => void> = {
	fine: ({ asked, isGood, told }) => {
		expect({ isGood, told }).toEqual({ isGood: true, told: undefined });
		expect(asked).toBeGreaterThan(0);
	},
	again: ({ asked, isGood, told, posts, hints }) => {
		expect({ isGood, told, hints }).toEqual({ isGood: true, told: undefined, hints: [] });
		expect(asked).toBeGreaterThan(1);
		expect(posts).toBeLessThanOrEqual(1);
	},
	exact: ({ isGood, ids, asked }, { variant }) => {
		expect(isGood).toBe(true);
		expect(asked).toBeGreaterThan(0);
		const big = ids.filter((id) => id.startsWith('9007199254'));
		if (variant !== 'Account') expect(big.length).toBeGreaterThan(0);
		expect(big.map((id) => BigInt(id) - 9007199254740990n).every((rest) => rest < 100n)).toBe(true);
		expect(big.some((id) => /[13579]$/.test(id))).toBe(variant !== 'Account');
	},
	told: (seen, line) => tells(seen, line, 1),
	toldLater: (seen, line) => tells(seen, line, 4),
	toldAtLimit: (seen, line) => {
		expect(seen.told).toMatch(/^Task \d+ did not finish within 2 seconds/);
		if (line.fault !== 'wrongTypes') expect(seen.told).toMatch(faults[line.fault].words!);
	},
	toldEarly404: (seen, line) => {
		tells(seen, line, seen.asked);
		expect(seen.asked).toBeGreaterThan(5);
	},
	toldOnce: (seen, line) => {
		tells(seen, line, 1);
		expect(seen.told).toMatch(/set '\w+' to 'By|open this list again/);
	},
	refused: (seen, line) => tells(seen, line, 1),
	found: ({ isGood, told, posts }) =>
		expect({ isGood, told, posts }).toEqual({ isGood: true, told: undefined, posts: 1 }),
	lookedUp: ({ told, posts }, { variant }) => {
		expect(told).toMatch(/^It is unknown whether the upscale job was accepted /);
		// The others are tried with a time limit of a second or two, which is too short to tell.
		const hasTime = variant === 'Pause Until Called Back';
		expect(told).toMatch(hasTime ? /most likely it was not/ : /Check your tasks first/);
		expect(posts).toBe(1);
	},
	unknown: ({ told, posts }, { fault }) => {
		expect(told).toContain('It is unknown whether the upscale job was accepted');
		expect(told).toContain('Check your tasks first');
		expect(told!.split('could not be read: ')[1]).toMatch(faults[fault].words!);
		expect(posts).toBe(1);
	},
	notSent: ({ told, posts }, { fault }) => {
		expect(told).toContain('Could not check for an earlier task of this image');
		expect(told).toContain('Nothing was sent');
		expect(told).toMatch(faults[fault].words!);
		expect(posts).toBe(0);
	},
	nextSlot: ({ isGood, posts }) => {
		expect(isGood).toBe(true);
		expect(posts).toBe(2);
	},
	noSlot: ({ told }) => {
		expect(told).toContain('Every Kling account is at its job limit');
		expect(told).toContain('Nothing was spent');
	},
	unsent: (seen, line) => {
		tells(seen, line, 1);
		expect(seen.told).toContain('Nothing was sent');
		expect(seen.posts).toBe(0);
	},
	notFollowed: (seen, line) => {
		tells(seen, line, 1);
		expect(seen.told).toContain('not followed');
	},
	sleeps: ({ isAsleep, isGood, posts }) =>
		expect({ isAsleep, isGood, posts }).toEqual({ isAsleep: true, isGood: true, posts: 1 }),
	sleepsOn: ({ isAsleep, isGood, callerTold }) =>
		expect({ isAsleep, isGood, callerTold }).toEqual({
			isAsleep: true,
			isGood: true,
			callerTold: 503,
		}),
	tooNew: ({ isAsleep, isGood, callerTold }) =>
		expect({ isAsleep, isGood, callerTold }).toEqual({
			isAsleep: true,
			isGood: true,
			callerTold: 200,
		}),
	logged: ({ isGood, hints, callerTold, asked }, { fault }) => {
		expect({ isGood, callerTold }).toEqual({ isGood: false, callerTold: 200 });
		expect(hints).toEqual([expect.stringContaining('started nothing for task')]);
		expect(hints[0]).toMatch(faults[fault].words!);
		expect(asked).toBe(fault === '404' ? 2 : 1);
	},
	deletedOrNot: (seen, line) => {
		tells(seen, line, 1);
		expect(seen.told).toContain('It is unknown whether task');
	},
	notDeleted: (seen, line) => tells(seen, line, 1),
	without: ({ isGood, asked, told }) => {
		expect({ isGood, told }).toEqual({ isGood: true, told: undefined });
		expect(asked).toBeGreaterThan(0);
	},
	plain: ({ isGood, hints }, { fault }) => {
		expect(isGood).toBe(true);
		expect(hints).toEqual([expect.stringContaining('the standard image was downloaded')]);
		if (fault !== 'wrongTypes') expect(hints[0]).toMatch(faults[fault].words!);
	},
	followed: ({ isGood, asked }) => {
		expect(isGood).toBe(true);
		expect(asked).toBe(2);
	},
	withLink: (seen, line) => {
		tells(seen, line, 1);
		expect(seen.told).toContain('The image of task 500000010 could not be downloaded');
	},
	withLinkLater: (seen, line) => {
		tells(seen, line, 3);
		expect(seen.told).toContain('The image of task 500000010 could not be downloaded');
	},
	before: () => {},
};

function tells({ told, asked }: Seen, { fault }: Line, times: number) {
	expect(told).toMatch(faults[fault].words!);
	expect(asked).toBe(times);
}

describe.each(callNames)('%s', (call) => {
	const own = lines.filter((line) => line.call === call);
	const named = own.map((line): [string, Line] => {
		const { variant, fault, lasting, outcome } = line;
		const which = `${faults[fault].says}${lasting ? ' that stays' : ''}`;
		return [`${variant}, ${which} → ${outcomes[outcome]}`, line];
	});
	test.each(named)('%s', async (_name, line) => {
		const seen = await results.get(line)!;
		check[line.outcome](seen, line);
		// Whatever it was: no token where it does not belong, no stack trace for users, nothing paid twice.
		expect(seen.strayed).toBe(0);
		expect(seen.kept).not.toContain('user:1234-sandbox');
		const told = [seen.told, ...seen.hints].join('\n');
		expect(told).not.toMatch(/\n\s+at |TypeError|undefined/);
		// Advice fits the call: only a job takes a slot.
		if (call !== 'upscale') expect(told).not.toContain('Max Jobs');
	});
});

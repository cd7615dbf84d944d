import { asPair, callNames, calls, type CallName } from './support/fault-table.mts';
import { faultNames, faults, outcomes, type FaultName, type Outcome } from './support/faults.mts';
import type { Seen } from './support/fault-stage.mts';
import { ENHANCE_FILE, NEW_TASK, OLD_S, trials } from './support/fault-trials/index.mts';

/** Every line of the fault table, tried on n8n's own engine in virtual time. */

interface Line {
	call: CallName;
	variant: string;
	fault: FaultName;
	lasting: boolean;
	outcome: Outcome;
}

/** What met the certificate does not come to be watched, nor a job to be sent or a list to be asked for after another call. */
const isMetBefore = ({ call, variant, fault }: Line) =>
	fault === 'tls' &&
	((call === 'watch' && variant === 'Upscale') ||
		variant === ENHANCE_FILE ||
		(call === 'earlierJob' && variant === 'Tasks'));

const lines: Line[] = callNames.flatMap((call) =>
	Object.keys(trials[call]).flatMap((variant) =>
		faultNames.flatMap((fault): Line[] => {
			const [once, lasting] = asPair(calls[call].promises[fault]);
			// A certificate does not become trusted by asking again.
			const isTls = fault === 'tls';
			const both = [{ call, variant, fault, lasting: isTls, outcome: once }];
			if (lasting !== once) both.push({ call, variant, fault, lasting: true, outcome: lasting });
			return both.filter((line) => line.outcome !== 'before' && !isMetBefore(line));
		}),
	),
);

/** @param seconds how long it took */
type Check = (seen: Seen, line: Line, seconds: number) => void;

/** What must be seen of it. */
const check: Record<Outcome, Check> = {
	fine: ({ asked, isGood, told }) => {
		expect({ isGood, told }).toEqual({ isGood: true, told: undefined });
		expect(asked).toBeGreaterThan(0);
	},
	again: ({ asked, isGood, told, posts, hints }) => {
		expect({ isGood, told, hints }).toEqual({ isGood: true, told: undefined, hints: [] });
		expect(asked).toBeGreaterThan(1);
		expect(posts).toBeLessThanOrEqual(1);
	},
	exact: ({ isGood, ids, asked, told }, { variant }) => {
		expect({ isGood, told }).toEqual({ isGood: true, told: undefined });
		expect(asked).toBeGreaterThan(0);
		const big = ids.filter((id) => id.startsWith('9007199254'));
		if (variant !== 'Account') expect(big.length).toBeGreaterThan(0);
		expect(big.map((id) => BigInt(id) - 9007199254740990n).every((rest) => rest < 100n)).toBe(true);
		expect(big.some((id) => /[13579]$/.test(id))).toBe(variant !== 'Account');
	},
	told: (seen, line) => tells(seen, line, 1),
	toldLater: (seen, line) => tells(seen, line, 4),
	toldAtLimit: (seen, line) => {
		expect(seen.told).toMatch(/^Task \d+ did not finish within 60 seconds/);
		if (line.fault !== 'wrongTypes') expect(seen.told).toMatch(faults[line.fault].words!);
	},
	toldEarly404: (seen, line, seconds) => {
		tells(seen, line, seen.asked);
		expect(seconds).toBeGreaterThanOrEqual(15);
		expect(seconds).toBeLessThan(20);
	},
	toldOnce: (seen, line) => {
		tells(seen, line, 1);
		expect(seen.told).toMatch(/set '\w+' to 'By|Connect your Kling account/);
	},
	refused: (seen, line) => tells(seen, line, 1),
	found: ({ isGood, told, posts }) =>
		expect({ isGood, told, posts }).toEqual({ isGood: true, told: undefined, posts: 1 }),
	lookedUp: ({ told, posts }, _line, seconds) => {
		expect(told).toMatch(/^It is unknown whether the (upscale|enhance) job was accepted /);
		expect(told).toMatch(/most likely it was not/);
		expect(posts).toBe(1);
		expect(seconds).toBeGreaterThanOrEqual(55);
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
	notUploaded: ({ told, posts }, { fault }) => {
		expect(told).toMatch(/^The file could not be uploaded: /);
		expect(told).toContain('No job was sent, so nothing was spent');
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
	waits: ({ isWaiting, isGood, posts }) =>
		expect({ isWaiting, isGood, posts }).toEqual({ isWaiting: true, isGood: true, posts: 1 }),
	keepsWaiting: ({ isWaiting, isGood, callerTold }) =>
		expect({ isWaiting, isGood, callerTold }).toEqual({
			isWaiting: true,
			isGood: true,
			callerTold: 503,
		}),
	toldGone: (seen, line, seconds) => {
		expect(seen.told).toMatch(faults[line.fault].words!);
		expect(seen.isWaiting).toBe(false);
		const isNew = line.variant === NEW_TASK;
		if (!isNew) expect(seen.asked).toBe(3);
		expect(seconds).toBeGreaterThanOrEqual(isNew ? 15 : OLD_S + 4);
		expect(seconds).toBeLessThan(isNew ? 60 : OLD_S + 6);
	},
	logged: ({ isGood, hints, callerTold, asked }, { fault }) => {
		expect({ isGood, callerTold }).toEqual({ isGood: false, callerTold: 200 });
		expect(hints).toEqual([expect.stringContaining('started nothing for task')]);
		expect(hints[0]).toMatch(faults[fault].words!);
		const isTransient = fault === 'tls' || calls.triggered.promises[fault] !== 'logged';
		expect(asked).toBe(fault === '404' ? 2 : isTransient ? 6 : 1);
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
		const beganMs = Date.now();
		const seen = await trials[call][line.variant](line);
		check[line.outcome](seen, line, (Date.now() - beganMs) / 1_000);
		// Whatever it was: no token where it does not belong, no stack trace for users, nothing paid twice.
		expect(seen.strayed).toBe(0);
		expect(seen.kept).not.toContain('user:1234-sandbox');
		const told = [seen.told, ...seen.hints].join('\n');
		expect(told).not.toMatch(/\n\s+at |TypeError|undefined/);
		// Advice fits the call: only a job takes a slot.
		if (call !== 'upscale') expect(told).not.toContain('Max Jobs');
	});
});

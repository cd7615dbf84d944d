import type { IExecuteFunctions } from 'n8n-workflow';

import { isTool, klingError } from '../runtime/problems';
import type { OutputSettings } from '../job/output/items';
import type { OutputKind } from '../job/output/formats';

/** assumes: time-limit */
const DEFAULT_TIMEOUT_SECONDS = 600;
/** With none at all every job would be paid and none waited for. */
const MIN_TIMEOUT_SECONDS = 1;
const OUTPUTS = ['simplified', 'raw', 'images'] as const;
const WAITS = ['none', 'poll', 'callback'] as const;
/** Asking more often than this would only annoy the API. */
const MIN_POLL_INTERVAL_SECONDS = 1;

export type Wait = (typeof WAITS)[number];

/**
 * Reads parameters of one item and checks them before anything is sent.
 *
 * Values may come from expressions as numbers, strings or null: what is meant is taken, what is not is refused.
 * Every method throws a KlingError that names the field as the user sees it.
 */
export class Parameters {
	constructor(
		protected readonly n8n: IExecuteFunctions,
		protected readonly itemIndex: number,
	) {}

	/** An id of digits, exact even past 2^53 when it comes as text. */
	id(name: string, label: string): string {
		const value = this.locator(name);
		if (typeof value === 'number' && !Number.isSafeInteger(value)) {
			throw this.invalid(
				`'${label}' is too large to be exact as a number`,
				'Pass this ID on as text, e.g. with quotes around it, so that no digit is lost.',
			);
		}
		const text = asText(value);
		if (text === '') {
			throw this.invalid(
				`'${label}' is empty`,
				`Choose one from the list, or enter its ID, e.g. {{ $json.${name} }}.`,
			);
		}
		if (!/^\d+$/.test(text)) {
			throw this.invalid(
				`'${label}' must be an ID made of digits, but is "${shorten(text)}"`,
				'Take the ID from the list, or from the output of another Kling node.',
			);
		}
		return text;
	}

	/** The email of a connected Kling account; empty means the only one there is. assumes: email-optional */
	account(): string | undefined {
		const text = asText(this.locator('account'));
		if (text === '') return undefined;
		if (!/^[^\s@]+@[^\s@]+$/.test(text)) {
			throw this.invalid(
				`'Account' must be an email address, but is "${shorten(text)}"`,
				"Use the email of the Kling account as it is connected to useapi.net, or leave 'Account' empty if there is only one.",
			);
		}
		return text;
	}

	/** @param hint what to do about an empty one */
	requiredAccount(hint: string): string {
		const account = this.account();
		if (account === undefined) throw this.invalid("'Account' is empty", hint);
		return account;
	}

	/** How long to wait, in ms. */
	timeoutMs(minSeconds = MIN_TIMEOUT_SECONDS, maxSeconds?: number): number {
		const seconds = this.number('options.timeout', 'Time Limit', minSeconds, maxSeconds);
		return (seconds ?? DEFAULT_TIMEOUT_SECONDS) * 1000;
	}

	/** Fixed pause between two looks in ms, or `undefined` for the growing one. */
	pollIntervalMs(): number | undefined {
		const seconds = this.number('options.pollInterval', 'Poll Interval', MIN_POLL_INTERVAL_SECONDS);
		return seconds === undefined ? undefined : seconds * 1000;
	}

	/** @param kinds those that the operation has: what comes of a wrong one shows only after the job is paid for */
	output(kinds: readonly OutputKind[] = OUTPUTS): OutputSettings {
		const download = this.flag('download', 'Download Image') && !isTool(this.n8n.getNode());
		const field = asText(this.raw('binaryPropertyName', 'data'));
		if (download && field === '') {
			throw this.invalid(
				"'Put Output File in Field' is empty",
				'Enter the name of the field that gets the image, e.g. data.',
			);
		}
		return {
			output: this.choice('output', 'Output', kinds),
			...(download && {
				binaryPropertyName: field,
				withoutWatermark: this.flag('options.withoutWatermark', 'Without Watermark'),
			}),
		};
	}

	wait(): Wait {
		const wait = this.choice('wait', 'Wait for Result', WAITS);
		// A suspended tool would suspend the agent that waits for its answer.
		return wait === 'callback' && isTool(this.n8n.getNode()) ? 'poll' : wait;
	}

	/** One of the values that a list offers; empty text, null and nothing mean the first one. */
	protected choice<T extends string>(name: string, label: string, values: readonly T[]): T {
		const text = asText(this.raw(name, '')) || values[0];
		const value = values.find((known) => known === text);
		if (value !== undefined) return value;
		throw this.invalid(
			`'${label}' must be one of ${values.join(', ')}, but is "${shorten(text)}"`,
			'Choose one from the list, or let the expression give one of these words.',
		);
	}

	/** On or off, also as text; empty text, null and nothing mean off. */
	flag(name: string, label: string): boolean {
		const text = asText(this.raw(name, ''));
		if (['', 'false'].includes(text)) return false;
		if (text === 'true') return true;
		throw this.invalid(
			`'${label}' must be true or false, but is "${shorten(text)}"`,
			'Turn it on or off, or let the expression give true or false.',
		);
	}

	/** A number between the bounds; empty text, null and nothing mean that it is not set. */
	protected number(name: string, label: string, min: number, max = Infinity): number | undefined {
		const value = this.raw(name, '');
		const text = asText(value);
		if (text === '') return undefined;
		const number = Number(text);
		if (!Number.isFinite(number) || number < min || number > max) {
			throw this.invalid(
				`'${label}' must be a number ${max === Infinity ? `of at least ${min}` : `from ${min} to ${max}`}, but is "${shorten(text)}"`,
				'Correct the value, or remove the option to use the default.',
			);
		}
		return number;
	}

	/** Of things that are counted. @param advice what to do about a fraction */
	protected integer(name: string, label: string, advice: string, max?: number): number | undefined {
		const number = this.number(name, label, 1, max);
		if (number === undefined || Number.isInteger(number)) return number;
		throw this.invalid(`'${label}' must be a whole number`, advice);
	}

	private locator(name: string): unknown {
		return this.n8n.getNodeParameter(name, this.itemIndex, '', { extractValue: true });
	}

	protected raw(name: string, fallback: unknown): unknown {
		return this.n8n.getNodeParameter(name, this.itemIndex, fallback as string) as unknown;
	}

	protected invalid(message: string, description: string) {
		return klingError(
			this.n8n.getNode(),
			{ message, description: `${description} Nothing was sent.` },
			this.itemIndex,
		);
	}
}

/** What an expression may have given, as the text a user would see; nothing and null are empty. */
export function asText(value: unknown): string {
	if (value === null || value === undefined) return '';
	if (typeof value !== 'object') return String(value).trim();
	try {
		return JSON.stringify(value) ?? '';
	} catch {
		// In a circle, or with numbers that JSON has no form for.
		return 'an object';
	}
}

/** For a sentence about it. */
export function shorten(text: string): string {
	return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

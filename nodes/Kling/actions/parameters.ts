import type { IExecuteFunctions } from 'n8n-workflow';

import { isTool, klingError } from '../runtime/problems';
import { isPrivate } from '../transport/hosts';
import type { TimeWindow } from '../tasks/taskPages';
import type { OutputSettings } from '../job/output/items';
import type { OutputKind } from '../tasks/task';
import { parseDate } from './dates';
import { asText, shorten } from './text';

/** "range from 1 to 50" (the vendor's page, `maxJobs`). assumes: max-jobs-range */
const MAX_JOBS = 50;
/** `replyUrl` and `replyRef`: "at most 1024 characters each" (kling-api.md, "Callbacks"). assumes: reply-lengths */
const MAX_REPLY_LENGTH = 1024;
/** assumes: time-limit */
const DEFAULT_TIMEOUT_SECONDS = 600;
/** With none at all every job would be paid and none waited for. */
const MIN_TIMEOUT_SECONDS = 1;
/** n8n looks once a minute for executions whose time is over, so a shorter limit would not be kept. */
const MIN_PAUSE_SECONDS = 60;
const MAX_PAUSE_SECONDS = 30 * 24 * 3600;
const DEFAULT_LIMIT = 50;
/** "Supported values: video, image, or audio" (the vendor's page "Retrieve Kling tasks"); without it, all. */
const CONTENT_TYPES = ['image', 'video', 'audio', 'all'] as const;
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
		private readonly context: IExecuteFunctions,
		private readonly itemIndex: number,
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

	/** How long to wait, in ms. */
	timeoutMs(): number {
		const seconds =
			this.number('options.timeout', 'Time Limit', MIN_TIMEOUT_SECONDS) ?? DEFAULT_TIMEOUT_SECONDS;
		return seconds * 1000;
	}

	/** How long an execution may stay suspended, in ms. */
	pauseLimitMs(): number {
		const seconds = this.number(
			'options.timeout',
			'Time Limit',
			MIN_PAUSE_SECONDS,
			MAX_PAUSE_SECONDS,
		);
		return (seconds ?? DEFAULT_TIMEOUT_SECONDS) * 1000;
	}

	/** Fixed pause between two looks in ms, or `undefined` for the growing one. */
	pollIntervalMs(): number | undefined {
		const seconds = this.number('options.pollInterval', 'Poll Interval', MIN_POLL_INTERVAL_SECONDS);
		return seconds === undefined ? undefined : seconds * 1000;
	}

	maxJobs(): number | undefined {
		const jobs = this.number('options.maxJobs', 'Max Jobs', 1, MAX_JOBS);
		if (jobs !== undefined && !Number.isInteger(jobs)) {
			throw this.invalid("'Max Jobs' must be a whole number", `It can be 1 to ${MAX_JOBS}.`);
		}
		return jobs;
	}

	/** @param baseUrl the API's address: one on the internet can call back only to the internet */
	replyUrl(baseUrl: string): string | undefined {
		const text = this.replyText('replyUrl', 'Reply URL');
		if (text === undefined) return undefined;
		if (!/^https?:\/\/[^\s/]+/i.test(text) || !URL.canParse(text)) {
			throw this.invalid(
				`'Reply URL' is not a web address: "${shorten(text)}"`,
				'Use the Production URL of a Kling Trigger or an n8n Webhook node. It starts with https://.',
			);
		}
		if (isPrivate(text) && !isPrivate(baseUrl)) {
			throw this.invalid(
				`useapi.net cannot reach the 'Reply URL': ${new URL(text).hostname} is an address of a private network`,
				'Use the address that your n8n has on the internet. If n8n itself shows this one, set its environment variable WEBHOOK_URL.',
			);
		}
		return text;
	}

	/** The address that wakes this execution up once it is suspended, as n8n gives it: it carries n8n's own signature. */
	resumeUrl(baseUrl: string): string {
		const url = String(this.context.evaluateExpression('{{ $execution.resumeUrl }}', 0));
		if (!isPrivate(baseUrl) && (isPrivate(url) || !url.startsWith('https:'))) {
			const { origin } = URL.canParse(url) ? new URL(url) : { origin: url };
			throw this.invalid(
				`useapi.net cannot reach this n8n at ${shorten(origin)}`,
				"To be called back, n8n must have an address on the internet that starts with https://. Set its environment variable WEBHOOK_URL to that address, or set 'Wait for Result' to 'Wait Until Finished'.",
			);
		}
		if (url.length > MAX_REPLY_LENGTH) {
			throw this.invalid(
				`The address of this n8n is too long for useapi.net: ${url.length} characters`,
				`useapi.net takes at most ${MAX_REPLY_LENGTH}. Set 'Wait for Result' to 'Wait Until Finished'.`,
			);
		}
		return url;
	}

	replyRef(): string | undefined {
		return this.replyText('options.replyRef', 'Reply Reference');
	}

	/** Whether to take an earlier job of the same image. An agent remembers nothing, so for it that is always so. */
	reuse(): boolean {
		return isTool(this.context.getNode()) || this.flag('options.reuse', 'Reuse Earlier Result');
	}

	/** @param kinds those that the operation has: what comes of a wrong one shows only after the job is paid for */
	output(kinds: readonly OutputKind[] = OUTPUTS): OutputSettings {
		const download = this.flag('download', 'Download Image') && !isTool(this.context.getNode());
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

	/** The most output items wanted; `Infinity` for all there are. */
	limit(): number {
		if (this.flag('returnAll', 'Return All')) return Infinity;
		const limit = this.number('limit', 'Limit', 1) ?? DEFAULT_LIMIT;
		if (!Number.isInteger(limit)) {
			throw this.invalid(
				"'Limit' must be a whole number",
				"Correct the value, or turn on 'Return All'.",
			);
		}
		return limit;
	}

	/** As the API has it, or `undefined` for tasks of every kind. */
	contentType(): string | undefined {
		const type = this.choice('filters.contentType', 'Content Type', CONTENT_TYPES);
		return type === 'all' ? undefined : type;
	}

	timeWindow(): TimeWindow {
		const fromMs = this.date('filters.createdAfter', 'Created After');
		const beforeMs = this.date('filters.createdBefore', 'Created Before');
		if (fromMs !== undefined && beforeMs !== undefined && fromMs >= beforeMs) {
			const [from, before] = [fromMs, beforeMs].map((ms) => new Date(ms).toISOString());
			throw this.invalid(
				"'Created After' must be earlier than 'Created Before'",
				`No task can be created after ${from} and before ${before}.`,
			);
		}
		return { fromMs, beforeMs };
	}

	wait(): Wait {
		const wait = this.choice('wait', 'Wait for Result', WAITS);
		// A suspended tool would suspend the agent that waits for its answer.
		return wait === 'callback' && isTool(this.context.getNode()) ? 'poll' : wait;
	}

	/** One of the values that a list offers; empty text, null and nothing mean the first one. */
	private choice<T extends string>(name: string, label: string, values: readonly T[]): T {
		const text = asText(this.raw(name, '')) || values[0];
		const value = values.find((known) => known === text);
		if (value !== undefined) return value;
		throw this.invalid(
			`'${label}' must be one of ${values.join(', ')}, but is "${shorten(text)}"`,
			'Choose one from the list, or let the expression give one of these words.',
		);
	}

	/** On or off, also as text; empty text, null and nothing mean off. */
	private flag(name: string, label: string): boolean {
		const text = asText(this.raw(name, ''));
		if (['', 'false'].includes(text)) return false;
		if (text === 'true') return true;
		throw this.invalid(
			`'${label}' must be true or false, but is "${shorten(text)}"`,
			'Turn it on or off, or let the expression give true or false.',
		);
	}

	private replyText(name: string, label: string): string | undefined {
		const text = asText(this.raw(name, ''));
		if (text.length > MAX_REPLY_LENGTH) {
			throw this.invalid(
				`'${label}' is too long: ${text.length} characters`,
				`useapi.net takes at most ${MAX_REPLY_LENGTH}.`,
			);
		}
		return text === '' ? undefined : text;
	}

	/** A number between the bounds; empty text, null and nothing mean that it is not set. */
	private number(name: string, label: string, min: number, max = Infinity): number | undefined {
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

	/** A date in epoch ms; empty text, null and nothing mean that it is not set. */
	private date(name: string, label: string): number | undefined {
		const value = this.raw(name, '');
		const text = asText(value);
		if (text === '') return undefined;
		const ms = parseDate(value, this.context.getTimezone());
		if (ms === undefined) {
			throw this.invalid(
				`'${label}' is not clearly a date: "${shorten(text)}"`,
				'Choose one in the date picker, or use a date like 2026-03-01T18:30:00Z, e.g. {{ $now.minus({ days: 1 }) }}.',
			);
		}
		return ms;
	}

	private locator(name: string): unknown {
		return this.context.getNodeParameter(name, this.itemIndex, '', { extractValue: true });
	}

	private raw(name: string, fallback: unknown): unknown {
		return this.context.getNodeParameter(name, this.itemIndex, fallback as string) as unknown;
	}

	private invalid(message: string, description: string) {
		return klingError(
			this.context.getNode(),
			{ message, description: `${description} Nothing was sent.` },
			this.itemIndex,
		);
	}
}

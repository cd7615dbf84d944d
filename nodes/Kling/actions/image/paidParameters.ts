import type { IExecuteFunctions } from 'n8n-workflow';

import type { JobParameters } from '../../job/submission/attempt';
import { isTool } from '../../runtime/problems';
import { isPrivate } from '../../transport/hosts';
import { withoutEmpty } from '../../transport/json';
import type { PaidRequest } from '../../transport/types';
import { asText, Parameters, shorten } from '../parameters';

/** "range from 1 to 50" (the vendor's page, `maxJobs`). assumes: max-jobs-range */
const MAX_JOBS = 50;
/** `replyUrl` and `replyRef`: "at most 1024 characters each" (kling-api.md, "Callbacks"). assumes: reply-lengths */
const MAX_REPLY_LENGTH = 1024;
const DEFAULT_SPENDING_LIMIT = 10;
/** n8n looks once a minute for executions whose time is over, so a shorter limit would not be kept. */
const MIN_PAUSE_SECONDS = 60;
const MAX_PAUSE_SECONDS = 30 * 24 * 3600;

/** The parameters that every operation has which spends credits. */
export class PaidParameters extends Parameters {
	/** @param baseUrl the API's address: one on the internet can call back only to the internet */
	constructor(
		n8n: IExecuteFunctions,
		itemIndex: number,
		private readonly baseUrl: string,
	) {
		super(n8n, itemIndex);
	}

	/** All of them but for Reuse Earlier Result; of the call, what every request has. */
	job(): Omit<JobParameters, 'call' | 'reuse'> & { request: PaidRequest } {
		const wait = this.wait();
		const callsBack = wait === 'callback';
		const replyUrl = {
			poll: () => undefined,
			callback: () => this.resumeUrl(),
			none: () => this.replyUrl(),
		}[wait]();
		const email = this.account();
		const maxJobs = this.maxJobs();
		const replyRef = this.replyRef();
		const settings = this.output(['simplified', 'raw']);
		return {
			request: withoutEmpty({ email, maxJobs, replyUrl, replyRef }),
			wait,
			callsBack,
			timeoutMs: callsBack ? this.pauseLimitMs() : this.timeoutMs(),
			pollIntervalMs: wait === 'poll' ? this.pollIntervalMs() : undefined,
			spendingLimit: this.spendingLimit(),
			settings: wait === 'none' ? { output: settings.output } : settings,
		};
	}

	/** Of operations that have this option. An agent remembers nothing, so for it that is always so. */
	reuse(): boolean {
		return isTool(this.n8n.getNode()) || this.flag('options.reuse', 'Reuse Earlier Result');
	}

	/** How long an execution may stay suspended, in ms. */
	pauseLimitMs(): number {
		return this.timeoutMs(MIN_PAUSE_SECONDS, MAX_PAUSE_SECONDS);
	}

	/** An agent decides by itself how often it calls, so it always has a limit. */
	spendingLimit(): number | undefined {
		const limit = this.integer('options.spendingLimit', 'Spending Limit', 'It counts jobs.');
		return limit ?? (isTool(this.n8n.getNode()) ? DEFAULT_SPENDING_LIMIT : undefined);
	}

	maxJobs(): number | undefined {
		return this.integer('options.maxJobs', 'Max Jobs', `It can be 1 to ${MAX_JOBS}.`, MAX_JOBS);
	}

	replyUrl(): string | undefined {
		const text = this.replyText('replyUrl', 'Reply URL');
		return text === undefined
			? undefined
			: this.webAddress(text, 'Reply URL', {
					valid:
						'Use the Production URL of a Kling Trigger or an n8n Webhook node. It starts with https://.',
					public:
						'Use the address that your n8n has on the internet. If n8n itself shows this one, set its environment variable WEBHOOK_URL.',
				});
	}

	/** An address that useapi.net can reach. @param use which one to use instead */
	protected webAddress(
		text: string,
		label: string,
		use: { valid: string; public: string },
	): string {
		if (!/^https?:\/\/[^\s/]+/i.test(text) || !URL.canParse(text)) {
			throw this.invalid(`'${label}' is not a web address: "${shorten(text)}"`, use.valid);
		}
		if (isPrivate(text) && !isPrivate(this.baseUrl)) {
			throw this.invalid(
				`useapi.net cannot reach the '${label}': ${new URL(text).hostname} is an address of a private network`,
				use.public,
			);
		}
		return text;
	}

	/** The address that wakes this execution up once it is suspended, as n8n gives it: it carries n8n's own signature. */
	resumeUrl(): string {
		const url = String(this.n8n.evaluateExpression('{{ $execution.resumeUrl }}', 0));
		if (!isPrivate(this.baseUrl) && (isPrivate(url) || !url.startsWith('https:'))) {
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
}

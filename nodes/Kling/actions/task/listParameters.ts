import type { TimeWindow } from '../../tasks/taskPages';
import { parseDate } from '../dates';
import { asText, Parameters, shorten } from '../parameters';

const DEFAULT_LIMIT = 50;
/** "Supported values: video, image, or audio" (the vendor's page "Retrieve Kling tasks"); without it, all. */
const CONTENT_TYPES = ['image', 'video', 'audio', 'all'] as const;

/** The parameters that only a list of tasks has, read as `Parameters` reads the others. */
export class ListParameters extends Parameters {
	/** The most output items wanted; `Infinity` for all there are. */
	limit(): number {
		if (this.flag('returnAll', 'Return All')) return Infinity;
		const advice = "Correct the value, or turn on 'Return All'.";
		return this.integer('limit', 'Limit', advice) ?? DEFAULT_LIMIT;
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

	/** A date in epoch ms; empty text, null and nothing mean that it is not set. */
	private date(name: string, label: string): number | undefined {
		const value = this.raw(name, '');
		const text = asText(value);
		if (text === '') return undefined;
		const ms = parseDate(value, this.n8n.getTimezone());
		if (ms === undefined) {
			throw this.invalid(
				`'${label}' is not clearly a date: "${shorten(text)}"`,
				'Choose one in the date picker, or use a date like 2026-03-01T18:30:00Z, e.g. {{ $now.minus({ days: 1 }) }}.',
			);
		}
		return ms;
	}
}

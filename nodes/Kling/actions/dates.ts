import { tryToParseDateTime } from 'n8n-workflow';

/** ISO 8601 as n8n's date picker, its `$now` and most APIs write it, and SQL's form of it. */
const ISO_DATE =
	/^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}([.,]\d+)?)?( ?(Z|[+-]\d{2}(:?\d{2})?))?(\[.+\])?)?$/;
/** Numbers stand for seconds or ms, whichever puts them into this century: the ranges are a thousandfold apart. */
const CENTURY_MS = { from: Date.UTC(2000), to: Date.UTC(2100) };

/**
 * What a date field holds, in epoch ms: ISO text, a date of JavaScript or Luxon, or a number (also as text) of ms or seconds
 * since 1970. Anything else ("03/01/2026", "yesterday") is a matter of opinion.
 *
 * @param zone the workflow's, e.g. "Europe/Berlin": n8n's date picker leaves the zone out
 * @returns `undefined` for what is no date, or not clearly one
 */
export function parseDate(value: unknown, zone: string): number | undefined {
	// Dates of both kinds are their epoch ms when taken as numbers.
	if (typeof value === 'object') return isDate(value) ? orNothing(Number(value)) : undefined;
	const text = String(value).trim();
	const number = /^\d+(\.\d+)?$/.test(text) ? Number(text) : NaN;
	const ms = [number, number * 1000].find(isThisCentury);
	if (ms !== undefined) return Math.round(ms);
	if (!ISO_DATE.test(text)) return undefined;
	try {
		const date = tryToParseDateTime(text, zone);
		// Where Luxon gives up, n8n's parser goes on with one that takes February 30 for March.
		return date.toISODate() === text.slice(0, 10) ? date.toMillis() : undefined;
	} catch {
		return undefined;
	}
}

/** Luxon's dates are known by name: n8n's copy of Luxon is not ours to import. */
const isDate = (value: unknown): boolean =>
	value instanceof Date ||
	(value as { isLuxonDateTime?: boolean } | null)?.isLuxonDateTime === true;

const isThisCentury = (ms: number): boolean => ms >= CENTURY_MS.from && ms < CENTURY_MS.to;

const orNothing = (ms: number): number | undefined => (Number.isNaN(ms) ? undefined : ms);

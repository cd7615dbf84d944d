import { sleep } from 'n8n-workflow';

import type { ByteStream } from './types';

/** In characters: some times more than the longest list that is asked for, of 800 tasks. */
const MAX_ANSWER_LENGTH = 20_000_000;
/** How soon it is seen that time is up. */
const STEP_MS = 250;

export type Read = { text: string } | { reason: string };

/**
 * Reads an answer to its end, within bounds of size and time. n8n itself knows none for the size, and a time limit only
 * between two pieces: an answer that never ends would fill its memory, one that trickles would hold the item for ever.
 *
 * @param untilMs when to give up, epoch ms
 * @throws what breaks the connection
 */
export async function readText(stream: ByteStream, untilMs: number): Promise<Read> {
	let isOver = false;
	const timeUp = async (): Promise<Read> => {
		while (!isOver && Date.now() < untilMs) await sleep(STEP_MS);
		// A connection that is silent stays open, since n8n hands out no way to close it, until its other end closes it.
		stream.destroy();
		return { reason: 'the answer took too long' };
	};
	const read = readAll(stream);
	// Whichever loses must not go unheard.
	read.catch(() => {});
	try {
		return await Promise.race([read, timeUp()]);
	} finally {
		isOver = true;
	}
}

async function readAll(stream: ByteStream): Promise<Read> {
	let text = '';
	stream.setEncoding('utf8');
	for await (const chunk of stream) {
		text += String(chunk);
		// To leave the loop closes the connection.
		if (text.length > MAX_ANSWER_LENGTH) return { reason: 'the answer was too large' };
	}
	return { text };
}

/** An integer that a JavaScript number may not hold exactly has at least this many digits. */
const LONG_INTEGER = /\d{16}/;
/** What decides whether digits are a number: the quotes of strings, escapes within them, and whole number tokens. */
const QUOTE_ESCAPE_OR_NUMBER = /"|\\.|-?\d[\d.eE+-]*/g;

/**
 * `JSON.parse` that keeps integers past 2^53 exact by handing them over as strings: the API's ids are numbers
 * and a rounded id is another task's id. assumes: ids-are-numbers
 *
 * Takes time in proportion to the text, whatever is in it: a callback may be sent by anybody.
 *
 * @returns the parsed value, or `undefined` when the text is not JSON
 */
export function parseJson(text: string): unknown {
	try {
		// First as it is: only in a text that is JSON does every quote have its partner.
		const value: unknown = JSON.parse(text);
		return LONG_INTEGER.test(text) ? JSON.parse(quoteLongIntegers(text)) : value;
	} catch {
		return undefined;
	}
}

function quoteLongIntegers(json: string): string {
	let isInString = false;
	return json.replace(QUOTE_ESCAPE_OR_NUMBER, (token) => {
		if (token === '"') isInString = !isInString;
		const isExact = isInString || !/^-?\d+$/.test(token) || Number.isSafeInteger(Number(token));
		return isExact ? token : `"${token}"`;
	});
}

/** Whatever it is, its fields can be asked for. */
export const record = (value: unknown): Record<string, unknown> =>
	typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};

/** Of a list its entries, likewise; of anything else none. */
export const records = (value: unknown): Array<Record<string, unknown>> =>
	Array.isArray(value) ? value.map(record) : [];

export const text = (value: unknown): string | undefined =>
	typeof value === 'string' && value.trim() !== '' ? value : undefined;

/** Objects of JSON can make `Number` throw: `{"toString": 1}`. */
export const numberOf = (value: unknown): number =>
	typeof value === 'number' || typeof value === 'string' ? Number(value) : NaN;

/** ISO 8601; `undefined` for what is no time. */
export function isoTime(epochMs?: number): string | undefined {
	const date = new Date(epochMs ?? NaN);
	return Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}

/** Ids are numbers in answers (strings past 2^53, see `parseJson`) and always strings in ours. */
export const idText = (value: unknown): string | undefined =>
	typeof value === 'number' ? String(value) : text(value);

/** Without what is not told. */
export const withoutEmpty = <T extends object>(fields: T): T =>
	Object.fromEntries(
		Object.entries(fields).filter(([, value]) => value !== undefined && value !== ''),
	) as T;

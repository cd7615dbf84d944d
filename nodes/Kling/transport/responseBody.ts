import type { IExecuteFunctions } from 'n8n-workflow';
import { sleep } from 'n8n-workflow';

/** Node's readable stream, by way of n8n's types: a community node may not import Node's own modules. */
export type ByteStream = Exclude<
	Parameters<IExecuteFunctions['helpers']['prepareBinaryData']>[0],
	Uint8Array
>;

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

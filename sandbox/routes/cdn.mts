import { readFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import fastify from 'fastify';
import type { FastifyInstance, FastifyReply } from 'fastify';
import sharp from 'sharp';
import { installFaults } from '../faults.mts';
import type { Context } from '../state/context.mts';
import { recordRequests } from '../state/context.mts';
import type { Work } from '../state/tasks.mts';

/** The files, on an origin of their own. No token is needed, and the Content-Type tells nothing, as on the vendor's. */

const CONTENT_TYPE = 'binary/octet-stream';
const ZEROS = Buffer.alloc(64 * 1024);

export async function buildCdn(context: Context): Promise<FastifyInstance> {
	const app = fastify({ forceCloseConnections: true });
	recordRequests(app, 'cdn', context);
	installFaults(app, 'cdn', context.faults, () => `${context.cdnUrl}/redirected`);
	app.setNotFoundHandler((_request, reply) => sendNothing(reply));

	for (const folder of ['pictures', 'results', 'uploads', 'clean']) {
		app.get(`/${folder}/:file`, async (request, reply) => {
			const bytes = await readCdn(context, request.url.split('?')[0]);
			if (!bytes) return sendNothing(reply);
			const file = folder === 'clean' ? await sharp(bytes).autoOrient().png().toBuffer() : bytes;
			reply.type(CONTENT_TYPE);
			const { resultBytes } = context.settings;
			if (folder !== 'results' || file.length >= resultBytes) return reply.send(file);
			return reply.header('content-length', resultBytes).send(fillUp(file, resultBytes));
		});
	}
	return app;
}

function sendNothing(reply: FastifyReply) {
	return reply.code(404).type('text/plain').send('No such file');
}

/** Made while it is sent: a file of many megabytes is never in memory. */
function fillUp(file: Buffer, bytes: number): Readable {
	function* chunks() {
		yield file;
		for (let left = bytes - file.length; left > 0; left -= ZEROS.length) {
			yield ZEROS.subarray(0, left);
		}
	}
	return Readable.from(chunks());
}

/** What is at a path, such as /pictures/123.jpg, /results/5.png, or /clean/5.png for the same without watermark. */
export async function readCdn(context: Context, path: string): Promise<Buffer | undefined> {
	const work = await workAt(context, path);
	return work ? await readWork(context, work) : context.files.get(path)?.bytes;
}

export async function workAt({ tasks }: Context, path: string): Promise<Work | undefined> {
	const [, id] = /^\/(?:pictures|results|clean)\/(\d{1,30})\.(?!mp4)\w+$/.exec(path) ?? [];
	return id === undefined ? undefined : await tasks.findWork(BigInt(id));
}

export async function readWork({ files }: Context, work: Work): Promise<Buffer | undefined> {
	if (work.file) return await readFile(work.file).catch(() => undefined);
	return files.get(work.path)?.bytes;
}

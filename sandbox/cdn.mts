import { readFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import fastify from 'fastify';
import type { FastifyInstance, FastifyReply } from 'fastify';
import sharp from 'sharp';
import type { Context } from './context.mts';
import { recordRequests } from './context.mts';
import { installFaults } from './faults.mts';

/** The files, on an origin of their own. No token is needed, and the Content-Type tells nothing, as on the vendor's. */

const CONTENT_TYPE = 'binary/octet-stream';
const ZEROS = Buffer.alloc(64 * 1024);

type File = { Params: { file: string } };

export async function buildCdn(context: Context): Promise<FastifyInstance> {
	const app = fastify({ forceCloseConnections: true });
	recordRequests(app, 'cdn', context);
	installFaults(app, 'cdn', context.faults, () => `${context.cdnUrl}/redirected`);
	app.setNotFoundHandler((_request, reply) => sendNothing(reply));

	for (const folder of ['pictures', 'results', 'clean']) {
		app.get<File>(`/${folder}/:file`, async (request, reply) => {
			const bytes = await read(context, request.params.file);
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

async function read({ tasks, results }: Context, file: string): Promise<Buffer | undefined> {
	const [, id, extension] = /^(\d{1,30})(\.\w+)$/.exec(file) ?? [];
	if (!id || extension === '.mp4') return undefined;
	const work = await tasks.findWork(BigInt(id));
	if (!work?.file) return results.get(BigInt(id));
	return await readFile(work.file).catch(() => undefined);
}

import { readFile } from 'node:fs/promises';
import fastify from 'fastify';
import type { FastifyInstance, FastifyReply } from 'fastify';
import sharp from 'sharp';
import type { Context } from './context.mts';
import { recordRequests } from './context.mts';
import { installFaults } from './faults.mts';

/** The files, on an origin of their own. No token is needed, and the Content-Type tells nothing, as on the vendor's. */

const CONTENT_TYPE = 'binary/octet-stream';

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
			return reply.type(CONTENT_TYPE).send(file);
		});
	}
	return app;
}

function sendNothing(reply: FastifyReply) {
	return reply.code(404).type('text/plain').send('No such file');
}

async function read({ tasks, results }: Context, file: string): Promise<Buffer | undefined> {
	const [, id, extension] = /^(\d{1,30})(\.\w+)$/.exec(file) ?? [];
	if (!id || extension === '.mp4') return undefined;
	const work = await tasks.findWork(BigInt(id));
	if (!work?.file) return results.get(BigInt(id));
	return await readFile(work.file).catch(() => undefined);
}

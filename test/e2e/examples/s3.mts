import Fastify from 'fastify';

/** A stand-in for a store that speaks S3, with one bucket addressed by path. It does not check signatures. */

const BUCKET = 'my-bucket';

/** @param files what the bucket has, by key; what is put into it is added */
export async function startS3(files: Map<string, Buffer>) {
	const app = Fastify({ forceCloseConnections: true, bodyLimit: 50_000_000 });
	app.removeAllContentTypeParsers();
	app.addContentTypeParser(
		'*',
		{ parseAs: 'buffer' },
		async (_request: unknown, body: Buffer) => body,
	);

	app.get<{ Querystring: { location?: string; prefix?: string } }>(
		`/${BUCKET}`,
		async ({ query }, reply) => {
			const keys = [...files.keys()].filter((key) => key.startsWith(query.prefix ?? ''));
			const contents = keys.map(
				(key) => `<Contents><Key>${key}</Key><Size>${files.get(key)!.length}</Size></Contents>`,
			);
			const answer =
				'location' in query
					? '<LocationConstraint/>'
					: `<ListBucketResult><IsTruncated>false</IsTruncated>${contents.join('')}</ListBucketResult>`;
			return await reply.type('application/xml').send(answer);
		},
	);
	app.get<{ Params: { '*': string } }>(`/${BUCKET}/*`, async ({ params }, reply) => {
		const found = files.get(params['*']);
		if (found) return await reply.type('binary/octet-stream').send(found);
		return await reply.code(404).send('<Error><Code>NoSuchKey</Code></Error>');
	});
	app.put<{ Params: { '*': string }; Body: Buffer }>(
		`/${BUCKET}/*`,
		async ({ params, body }, reply) => {
			files.set(params['*'], body);
			return await reply.send('');
		},
	);
	const url = await app.listen({ host: '127.0.0.1', port: 0 });
	return { url, close: async () => await app.close() };
}

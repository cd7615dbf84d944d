import { randomUUID } from 'node:crypto';
import multipart from '@fastify/multipart';
import Fastify from 'fastify';

/** A stand-in for Telegram's Bot API, as far as a bot needs it that gets pictures and sends files. */

const file = (id: string) => ({ file_id: id, file_unique_id: id, file_path: `photos/${id}` });

/** @param files what people have sent, by their IDs */
export async function startTelegram(files: Record<string, Buffer>) {
	const token = `123456:${randomUUID()}`;
	const sent: Array<{ chat: string; text?: string; file?: { name: string; content: Buffer } }> = [];
	let webhook = { url: '', secret_token: '' };
	const app = Fastify({ forceCloseConnections: true });
	await app.register(multipart, { limits: { fileSize: 50_000_000 } });
	const bot = `/bot${token}`;

	app.post(`${bot}/getWebhookInfo`, async () => ({ ok: true, result: { url: webhook.url } }));
	app.post<{ Body: typeof webhook }>(`${bot}/setWebhook`, async ({ body }) => {
		webhook = body;
		return { ok: true, result: true };
	});
	app.post(`${bot}/deleteWebhook`, async () => ({ ok: true, result: true }));
	app.post<{ Body: { file_id: string } }>(`${bot}/getFile`, async ({ body }, reply) =>
		body.file_id in files
			? { ok: true, result: file(body.file_id) }
			: await reply.code(400).send({ ok: false, description: 'Bad Request: file is too big' }),
	);
	app.get<{ Params: { id: string } }>(`/file${bot}/photos/:id`, async ({ params }, reply) =>
		reply.type('application/octet-stream').send(files[params.id]),
	);
	app.post<{ Body: { chat_id: number; text: string } }>(`${bot}/sendMessage`, async ({ body }) => {
		sent.push({ chat: String(body.chat_id), text: body.text });
		return { ok: true, result: { message_id: sent.length } };
	});
	app.post(`${bot}/sendDocument`, async (request) => {
		const part = (await request.file())!;
		const { value } = part.fields.chat_id as { value: string };
		sent.push({ chat: value, file: { name: part.filename, content: await part.toBuffer() } });
		return { ok: true, result: { message_id: sent.length } };
	});
	const url = await app.listen({ host: '127.0.0.1', port: 0 });
	return {
		url,
		token,
		/** What the bot has sent, oldest first. */
		sent,
		isConnected: () => webhook.url !== '',
		/** Somebody sends the bot a message. @returns the status that n8n answers */
		async message(from: number, content: object): Promise<number> {
			const { url: address, secret_token: secret } = webhook;
			const message = { message_id: 1, from: { id: from }, chat: { id: from }, ...content };
			const headers = {
				'content-type': 'application/json',
				'x-telegram-bot-api-secret-token': secret,
			};
			const body = JSON.stringify({ update_id: 1, message });
			return (await fetch(address, { method: 'POST', headers, body })).status;
		},
		close: async () => await app.close(),
	};
}

import { randomBytes } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import type { Context } from '../state/context.mts';
import { accountFor, ApiError } from '../state/context.mts';
import { inspect } from '../state/images.mts';

/** POST /v1/kling/assets, "Upload asset to Kling", for images; and "Download Kling assets without watermarks". */

type Query = { Querystring: Record<string, string | undefined> };

const CONTENT_TYPES =
	'image/png,image/jpeg,video/mp4,video/quicktime,audio/wav,audio/wave,audio/mpeg,audio/mp4,audio/flac,audio/aac,audio/ogg';
const MAX_BYTES = 10 * 1024 * 1024;
const MIN_SIDE_PX = 300;
/** What a larger request meets is the server's own limit. */
const MOST_BYTES = 4 * MAX_BYTES;
const INVALID = { error: 'Invalid parameters' };

export async function assetRoutes(app: FastifyInstance, context: Context) {
	downloadRoute(app, context);
	await app.register(upload, context);
}

async function upload(scope: FastifyInstance, context: Context) {
	scope.removeAllContentTypeParsers();
	const options = { parseAs: 'buffer' as const, bodyLimit: MOST_BYTES };
	scope.addContentTypeParser('*', options, (_request, body, done) => done(null, body));

	// assumes: asset-upload, asset-costs-nothing
	scope.post<Query>('/v1/kling/assets', async ({ query, headers, body }) => {
		const { email } = accountFor(context, query.email);
		const contentType = headers['content-type'] ?? '';
		const [type] = contentType.split(';');
		if (!CONTENT_TYPES.split(',').includes(type)) {
			const error = `Content-Type ${contentType} is not supported. Valid values: ${CONTENT_TYPES}`;
			throw new ApiError(400, { error });
		}
		const bytes = Buffer.isBuffer(body) ? body : Buffer.alloc(0);
		const extension = await checkImage(bytes, type, context.settings.onePixel);
		const fileName = `${randomBytes(8).toString('hex')}.${extension}`;
		const path = `/uploads/${fileName}`;
		context.files.keep(path, { bytes, email });
		return { status: 3, url: context.cdnUrl + path, message: '', fileName };
	});
}

/** Fastify looks for a plugin without this name among all loaded files, which takes long within Jest. */
Object.assign(upload, { [Symbol.for('fastify.display-name')]: upload.name });

/** The file's extension, or a 400. */
async function checkImage(bytes: Buffer, type: string, onePixel: boolean): Promise<string> {
	if (!type.startsWith('image/')) throw refused('The sandbox only takes images');
	if (bytes.length > MAX_BYTES) throw refused('The file is larger than 10MB');
	if (onePixel) return 'png';
	const { format, width = 0, height = 0 } = (await inspect(bytes)) ?? {};
	if (type !== `image/${format}`) throw refused(`The file is no ${type}`);
	if (Math.min(width, height) < MIN_SIDE_PX) {
		throw refused(`The image is ${width}x${height}, at least ${MIN_SIDE_PX}px are needed`);
	}
	return format === 'jpeg' ? 'jpg' : 'png';
}

const refused = (error: string) => new ApiError(400, { error });

/** Documented for paid Kling plans. The sandbox makes no .zip of several. */
function downloadRoute(app: FastifyInstance, context: Context) {
	app.get<Query>('/v1/kling/assets/download', async ({ query }) => {
		const account = accountFor(context, query.email);
		if (!query.workIds || !/^\d+(,\d+)*$/.test(query.workIds)) throw new ApiError(400, INVALID);
		const fileTypes = query.fileTypes?.split(',') ?? [];
		if (!fileTypes.every((type) => ['MP4', 'MP3', 'WAV', 'PNG'].includes(type))) {
			throw new ApiError(400, INVALID);
		}
		if (account.paid === false) {
			throw new ApiError(403, { error: 'A paid Kling plan is required', code: 403 });
		}
		if (query.workIds.includes(',') || fileTypes.join() !== 'PNG') {
			throw refused('The sandbox only has one work as one PNG');
		}
		const workId = BigInt(query.workIds);
		const works = (await context.tasks.list(account.email)).flatMap((task) => task.works);
		if (!works.some((work) => work.workId === workId && work.path)) {
			throw new ApiError(404, { error: `Work ${workId} not found` });
		}
		return { cdnUrl: `${context.cdnUrl}/clean/${workId}.png`, status: 'success' };
	});
}

import type { ApiResult } from '../../../nodes/Kling/transport/types.ts';

/** What the API answers. */
export const answered = (status: number, body: unknown, retryAfterMs?: number): ApiResult => ({
	outcome: 'answered',
	status,
	body,
	retryAfterMs,
});

export const lost: ApiResult = { outcome: 'lost', reason: 'ECONNRESET' };
export const unsent: ApiResult = { outcome: 'unsent', reason: 'ECONNREFUSED' };
export const missing = answered(404, { error: 'No such task' });
export const running = answered(200, { status_name: 'processing', status_final: false });
/** A success that names no file. */
export const empty = answered(200, { status_name: 'succeed', status_final: true });
export const done = answered(200, {
	status_name: 'succeed',
	status_final: true,
	works: [{ workId: 3, resource: { resource: 'https://s21.example.com/3.png' } }],
});

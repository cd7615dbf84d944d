import type { ApiResult } from '../../../nodes/Kling/transport/types.ts';

/** What the API answers. */
export const answered = (status: number, body: unknown, retryAfterMs?: number): ApiResult => ({
	outcome: 'answered',
	status,
	body,
	retryAfterMs,
});

export const running = answered(200, { status_name: 'processing', status_final: false });
export const done = answered(200, { status_name: 'succeed', status_final: true });

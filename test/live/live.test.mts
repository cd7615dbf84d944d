import './assumptions/index.mts';
import { assumptions, run } from './assumption.mts';
import { startReceiver } from '../support/receiver.mts';
import { Live } from './live.mts';

/** Asks the real useapi.net whether what this project assumes about it is true: `npm run contract:live`. */

const TIMEOUT_MS = 25 * 60_000;
const { USEAPI_TOKEN, USEAPI_BASE_URL, USEAPI_EMAIL, KLING_SPEND } = process.env;
const { KLING_REPLY_URL: url, KLING_REPLY_PORT: port } = process.env;

if (USEAPI_TOKEN?.trim()) {
	const live = new Live({
		token: USEAPI_TOKEN.trim(),
		baseUrl: (USEAPI_BASE_URL || 'https://api.useapi.net').replace(/\/+$/, ''),
		email: USEAPI_EMAIL?.trim() || undefined,
		spend: KLING_SPEND === '1',
		// The address of a tunnel that leads to this port.
		receive: url
			? async () => ({ ...(await startReceiver({ port: Number(port || 4011) })), url })
			: undefined,
	});
	test('the API answers, and takes the token', async () => await live.open());
	for (const assumption of assumptions) {
		const { name, check } = assumption;
		if (check) test(name, async () => await run(assumption, live), TIMEOUT_MS);
		else test.todo(`${name} [no request that is safe to send could show it]`);
	}
} else {
	const missing = 'USEAPI_TOKEN is not set, so useapi.net was not asked and nothing was checked.';
	process.stderr.write(`${missing}\n`);
	test.skip(missing, () => {});
}

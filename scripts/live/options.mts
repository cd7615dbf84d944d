// What the person at the terminal wants.
import { parseArgs } from 'node:util';
import { normalizeBaseUrl } from '../../nodes/Kling/transport/client.ts';
import { isPrivate } from '../../nodes/Kling/transport/hosts.ts';
import { UserError } from '../../tools/terminal.mts';

const BASE_URL = 'https://api.useapi.net';
const REPLY_PORT = 4011;

export const HELP = `Asks the real useapi.net whether what this project assumes about it is true, and says so of every assumption.
Only reads, unless told otherwise.

  USEAPI_TOKEN=user:… npm run contract:live -- [options]

  --spend              upscale the newest finished image once. This spends credits, so it asks first.
  --yes                do not ask
  --reply-url <url>    with --spend: an address on the internet that leads to this machine, to see callbacks
  --reply-port <port>  the port on 127.0.0.1 it leads to (${REPLY_PORT})
  --base-url <url>     another API than ${BASE_URL}, e.g. the sandbox; also as USEAPI_BASE_URL
  --help               this text

USEAPI_EMAIL chooses the Kling account where several are connected.
The exit code is 0 when nothing is refuted, 1 when something is, 2 when it could not be tried.`;

export interface Options {
	baseUrl: string;
	email?: string;
	spend: boolean;
	yes: boolean;
	replyUrl?: string;
	replyPort: number;
}

function parse(args: string[]) {
	try {
		return parseArgs({
			args,
			options: {
				spend: { type: 'boolean', default: false },
				yes: { type: 'boolean', default: false },
				'reply-url': { type: 'string' },
				'reply-port': { type: 'string', default: String(REPLY_PORT) },
				'base-url': { type: 'string' },
				help: { type: 'boolean', short: 'h', default: false },
			},
		}).values;
	} catch (error) {
		throw new UserError(`${(error as Error).message}\n\n${HELP}`);
	}
}

/** @returns `undefined` when only the help is wanted */
export function readOptions(
	args: string[],
	env: Record<string, string | undefined>,
): Options | undefined {
	const values = parse(args);
	if (values.help) return undefined;
	const baseUrl = normalizeBaseUrl(values['base-url'] || env.USEAPI_BASE_URL || BASE_URL);
	if (!/^https?:\/\//.test(baseUrl) || !URL.canParse(baseUrl)) {
		throw new UserError(`The base URL is not a web address: "${baseUrl}".`);
	}
	// Over plain http everybody on the way could read the token.
	if (!baseUrl.startsWith('https:') && !isPrivate(baseUrl)) {
		throw new UserError('The base URL must begin with https://, unless it is on this machine.');
	}
	const replyPort = Number(values['reply-port']);
	if (!Number.isInteger(replyPort) || replyPort < 1 || replyPort > 65_535) {
		throw new UserError('--reply-port takes a number from 1 to 65535.');
	}
	return {
		baseUrl,
		email: env.USEAPI_EMAIL?.trim() || undefined,
		spend: values.spend,
		yes: values.yes,
		replyUrl: readReplyUrl(values['reply-url'], values.spend, baseUrl),
		replyPort,
	};
}

function readReplyUrl(
	replyUrl: string | undefined,
	spend: boolean,
	baseUrl: string,
): string | undefined {
	if (!replyUrl) return undefined;
	if (!spend) throw new UserError('--reply-url is of use only with --spend.');
	if (!/^https?:\/\//.test(replyUrl) || !URL.canParse(replyUrl)) {
		throw new UserError(`--reply-url is not a web address: "${replyUrl}".`);
	}
	if (isPrivate(replyUrl) && !isPrivate(baseUrl)) {
		throw new UserError(
			'--reply-url is an address of a private network: useapi.net cannot reach it.',
		);
	}
	return replyUrl;
}

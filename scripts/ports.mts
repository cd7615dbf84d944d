// Loopback ports: which are free, and which one to take.
import { connect, createServer } from 'node:net';

const LOOPBACK = '127.0.0.1';
const CONNECT_TIMEOUT_MS = 1_000;

const canListen = (port: number) =>
	new Promise<number | undefined>((resolve) => {
		const server = createServer();
		server.once('error', () => resolve(undefined));
		server.listen(port, LOOPBACK, () => {
			const address = server.address();
			const taken = typeof address === 'object' && address ? address.port : port;
			server.close(() => resolve(taken));
		});
	});

/** Some systems let us listen on 127.0.0.1 although another program has the same port on all addresses. */
const somebodyAnswers = (port: number) =>
	new Promise<boolean>((resolve) => {
		const socket = connect({ port, host: LOOPBACK, timeout: CONNECT_TIMEOUT_MS });
		const end = (answer: boolean) => {
			socket.destroy();
			resolve(answer);
		};
		socket.once('connect', () => end(true));
		socket.once('timeout', () => end(false));
		socket.once('error', () => end(false));
	});

export const isFree = async (port: number) =>
	!(await somebodyAnswers(port)) && (await canListen(port)) !== undefined;

export async function freePort(): Promise<number> {
	const port = await canListen(0);
	if (port === undefined) throw new Error('The system gave no free port');
	return port;
}

// Types of npm.mjs, which is plain JavaScript because it runs before TypeScript is installed.
export interface RunOptions {
	cwd?: string;
	env?: NodeJS.ProcessEnv;
}
export interface RunResult {
	code: number;
	output: string;
}
export class PlainError extends Error {}
export function assertSpace(folder: string, neededGb: number, advice: string): Promise<void>;
export function step<T>(
	title: string,
	work: () => Promise<T>,
	isFailure?: (result: T) => boolean,
): Promise<T>;
export const END_WITH_PARENT: string;
export function tie(pid: number): void;
export function untie(pid: number): void;
export function endGroup(pid: number, signal: NodeJS.Signals): void;
export function run(command: string, args: string[], options?: RunOptions): Promise<RunResult>;
export function runNpm(args: string[], options?: RunOptions): Promise<RunResult>;
export function hopeless(output: string): string | undefined;
export function npmInstall(
	title: string,
	args: string[],
	options?: RunOptions & { startAfresh?: () => Promise<void> },
): Promise<void>;

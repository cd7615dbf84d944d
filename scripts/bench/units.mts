// Figures as people read them. 1 MB is 1,000,000 bytes.
import { perItem } from './figures.mts';
import type { Run } from './results.mts';

export const MB = 1_000_000;
export const KB = 1_000;
const SECONDS_PER_MINUTE = 60;
/** From here on a tenth of a second says nothing. */
const WHOLE_SECONDS_FROM = 1_000;

export const whole = (value: number): string => Math.round(value).toLocaleString('en');
export const seconds = (value: number): string =>
	`${value < WHOLE_SECONDS_FROM ? value.toFixed(1) : whole(value)} s`;
export const times = (value: number): string => value.toFixed(2);
export const milliseconds = (value: number): string => `${value.toFixed(0)} ms`;
export const megabytes = (bytes: number): string => `${(bytes / MB).toFixed(0)} MB`;
export const kilobytes = (bytes: number): string => `${(bytes / KB).toFixed(1)} kB`;
export const perTask = (run: Run): string => perItem(run).toFixed(1);
export const count = (items: number, what = 'item'): string =>
	`${whole(items)} ${what}${items === 1 ? '' : 's'}`;

/** "about 45 s", "about 3 min 20 s" */
export function about(value: number): string {
	const all = Math.round(value);
	const minutes = Math.floor(all / SECONDS_PER_MINUTE);
	const rest = `${all % SECONDS_PER_MINUTE} s`;
	return `about ${minutes ? `${minutes} min ${rest}` : rest}`;
}

// Counting and percentiles.

/** The smallest value that at least `percent` of all values do not exceed ("nearest rank"); NaN of no values. */
export function percentile(values: number[], percent: number): number {
	const sorted = values.toSorted((a, b) => a - b);
	return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? NaN;
}

export interface Spread {
	count: number;
	p50: number;
	p95: number;
	max: number;
}

export const spreadOf = (values: number[]): Spread => ({
	count: values.length,
	p50: percentile(values, 50),
	p95: percentile(values, 95),
	max: percentile(values, 100),
});

/** How often each key occurs, the most frequent first. */
export function countBy<T>(values: T[], keyOf: (value: T) => string): Map<string, number> {
	const counts = new Map<string, number>();
	for (const value of values) counts.set(keyOf(value), (counts.get(keyOf(value)) ?? 0) + 1);
	return new Map([...counts].sort(([, a], [, b]) => b - a));
}

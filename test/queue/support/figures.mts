/** What the tests measure, printed when they are through; docs/scaling.md quotes it. */
export class Figures {
	private readonly lines: string[] = [];

	add(what: string, value: number, unit = ''): void {
		const rounded = Number(value.toFixed(value < 10 ? 2 : 0));
		this.lines.push(`  ${what}: ${rounded} ${unit}`.trimEnd());
	}

	print(): void {
		// Not by the console, which jest decorates.
		process.stdout.write(`\nMeasured in queue mode:\n${this.lines.join('\n')}\n`);
	}
}

/** Lets items wait for each other: until every one of them has sent its job, or has failed to. */
export class Meeting {
	private open: () => void = () => {};
	private readonly complete = new Promise<void>((resolve) => (this.open = resolve));

	constructor(private missing: number) {}

	arrive(): void {
		this.missing--;
		if (this.missing === 0) this.open();
	}

	async everyone(): Promise<void> {
		await this.complete;
	}
}

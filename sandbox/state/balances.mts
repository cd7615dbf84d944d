import type { Settings } from '../options.mts';

/** What the Kling accounts have left, in hundredths of a credit, as the API tells it. */

/** assumes: points-are-hundredths */
const HUNDREDTHS = 100;
/** More than any test spends. */
const PLAN_CREDITS = 100_000;
/** The one that ends first is spent first. assumes: points-times */
const PARTS = [
	{ orderId: '800000001', type: 'plan', endTime: Date.UTC(2030, 0, 31) },
	{ orderId: '800000002', type: 'pay', endTime: Date.UTC(2031, 5, 30) },
];
const START_TIME = Date.UTC(2026, 0, 1);

export class Balances {
	private spent = new Map<string, number>();

	constructor(private settings: Settings) {}

	/** As GET /accounts/{email} and the answer to a job tell it. */
	points(email: string) {
		const account = this.settings.accounts.find((one) => one.email === email);
		const amounts = [account?.credits ?? PLAN_CREDITS, account?.topUp ?? 0];
		let spent = this.spent.get(email) ?? 0;
		return PARTS.map(({ orderId, type, endTime }, place) => {
			const amount = amounts[place] * HUNDREDTHS;
			const taken = Math.min(spent, amount);
			spent -= taken;
			return { orderId, type, amount, balance: amount - taken, startTime: START_TIME, endTime };
		}).filter(({ amount }) => amount > 0);
	}

	total(email: string): number {
		return this.points(email).reduce((sum, { balance }) => sum + balance, 0);
	}

	/** false when there is not enough; nothing is spent then. */
	spend(email: string, credits: number): boolean {
		const points = credits * HUNDREDTHS;
		if (this.total(email) < points) return false;
		this.spent.set(email, (this.spent.get(email) ?? 0) + points);
		return true;
	}
}

// A real browser on the real editor: for the pictures and for the end-to-end tests.
import { existsSync } from 'node:fs';
import { chromium, type Browser, type Page } from 'playwright-core';
import type { Login } from '../../../tools/n8n/restClient.mts';
import { UserError } from '../../../tools/terminal.mts';

const CHROMIUM_PATHS = [
	'/usr/bin/chromium',
	'/usr/bin/chromium-browser',
	'/usr/bin/google-chrome',
	'/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

function chromiumPath(): string {
	const wanted = process.env.CHROMIUM_PATH;
	const path = wanted ?? CHROMIUM_PATHS.find(existsSync);
	if (path && existsSync(path)) return path;
	throw new UserError(
		wanted
			? `There is no browser at ${wanted}, which CHROMIUM_PATH names.`
			: 'Chromium is needed for this, and this machine does not have it. On Debian: sudo apt-get install -y chromium. Elsewhere put its path into the environment variable CHROMIUM_PATH.',
	);
}

/** As root, as in CI, Chromium wants no sandbox of its own; without the other flags it looks for things on the internet. */
export async function launchBrowser(): Promise<Browser> {
	return await chromium.launch({
		executablePath: chromiumPath(),
		args: [
			'--no-sandbox',
			'--disable-gpu',
			'--disable-background-networking',
			'--disable-component-update',
			'--disable-sync',
			'--no-first-run',
			// n8n's pages name fonts elsewhere; nothing but this machine is asked.
			'--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1',
		],
	});
}

export async function signIn(page: Page, url: string, login: Login): Promise<void> {
	await page.goto(`${url}/signin`);
	await page.fill('input[name="emailOrLdapLoginId"]', login.email);
	await page.fill('input[name="password"]', login.password);
	await page.press('input[name="password"]', 'Enter');
	await page.waitForURL((address) => !address.pathname.includes('signin'));
}

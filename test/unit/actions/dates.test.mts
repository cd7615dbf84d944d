import { tryToParseDateTime } from 'n8n-workflow';

import { parseDate } from '../../../nodes/Kling/actions/dates.ts';

const ZONE = 'America/New_York';
const TEN_UTC = Date.parse('2026-03-01T10:00:00Z');
/** As `$now` and its like are. */
const LUXON = tryToParseDateTime('2026-03-01T10:00:00Z');

test.each<[string, unknown, number]>([
	['with a zone', '2026-03-01T10:00:00Z', TEN_UTC],
	['with ms and an offset', '2026-03-01T12:00:00.000+02:00', TEN_UTC],
	['with an offset without colon', '2026-03-01T12:00:00+0200', TEN_UTC],
	['with the zone’s name', '2026-03-01T10:00:00.000Z[UTC]', TEN_UTC],
	['as n8n’s date picker writes it: in the workflow’s zone', '2026-03-01T05:00:00', TEN_UTC],
	['as SQL writes it', '2026-03-01 05:00', TEN_UTC],
	['a day, from its beginning in the workflow’s zone', '2026-03-01', TEN_UTC - 5 * 3_600_000],
	['a date of Luxon', LUXON.setZone('Asia/Tokyo'), TEN_UTC],
	['a date of JavaScript', new Date(TEN_UTC), TEN_UTC],
	['ms', TEN_UTC, TEN_UTC],
	['ms as text', String(TEN_UTC), TEN_UTC],
	['seconds', TEN_UTC / 1000, TEN_UTC],
	['seconds as text, with a fraction', `${TEN_UTC / 1000}.25`, TEN_UTC + 250],
	['long ago', '1970-01-01T00:00:00Z', 0],
	['the first ms of the century', Date.UTC(2000), Date.UTC(2000)],
	['the last second of the century', Date.UTC(2100) / 1000 - 1, Date.UTC(2100) - 1_000],
	['with spaces around', ' 2026-03-01T10:00:00Z ', TEN_UTC],
])('%s', (_name, value, expected) => expect(parseDate(value, ZONE)).toBe(expected));

test.each<[unknown]>([
	['yesterday'],
	['03/01/2026'],
	['01.03.2026'],
	['2026-3-1'],
	['2026-02-30'],
	['2026-03-01T25:00:00'],
	['2026-03-01 10:00 PM'],
	['2026'],
	['20260301'],
	['task 5'],
	[`task ${TEN_UTC}`],
	[`${TEN_UTC} ms`],
	[`+${TEN_UTC}`],
	['1e12'],
	[Date.UTC(2100)],
	[null],
	['10:00'],
	[5],
	[0],
	[-TEN_UTC],
	[NaN],
	[true],
	[new Date(NaN)],
	[LUXON.setZone('Nowhere/At all')],
	[[TEN_UTC]],
	[{}],
])('%p is not clearly a date', (value) => expect(parseDate(value, ZONE)).toBeUndefined());

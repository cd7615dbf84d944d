import { isPrivate } from '../../nodes/Kling/transport/hosts.ts';

test.each([
	'http://localhost:5678/webhook/1',
	'http://n8n.localhost/',
	'http://127.0.0.1/',
	'http://10.1.2.3/',
	'http://172.16.0.1/',
	'http://172.31.255.255/',
	'http://192.168.1.10:5678/',
	'http://169.254.169.254/latest/meta-data',
	'http://100.64.0.1/',
	'http://0.0.0.0/',
	'http://[::1]:5678/',
	'http://[fd12:3456::1]/',
	'http://[fe80::1]/',
	'http://[::ffff:127.0.0.1]/',
	'http://2130706433/',
	'http://0x7f.1/',
	'http://n8n:5678/',
	'http://nas.local/',
	'http://n8n.internal/',
	'no address',
])('private: %s', (url) => expect(isPrivate(url)).toBe(true));

test.each([
	'https://api.useapi.net',
	'https://my-n8n.example.com/webhook/1',
	'https://172.32.0.1/',
	'https://100.128.0.1/',
	'https://11.0.0.1/',
	'https://[2a00:1450::1]/',
	'https://local.example.com/',
	'https://s21-kling.klingai.com/a.png',
])('public: %s', (url) => expect(isPrivate(url)).toBe(false));

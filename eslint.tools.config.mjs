// Tests, sandbox and scripts are not published, so n8n's restrictions (no process, no timers) do not apply to them.
import js from '@eslint/js';
import tseslint from 'typescript-eslint';

export default tseslint.config(js.configs.recommended, tseslint.configs.recommended, {
	languageOptions: {
		globals: {
			process: 'readonly',
			console: 'readonly',
			require: 'readonly',
			exports: 'readonly',
			module: 'readonly',
			__dirname: 'readonly',
			URL: 'readonly',
		},
	},
	rules: { '@typescript-eslint/no-require-imports': 'off' },
});

// The security rules alone: `make lint` adds them to its own, `make security-scan` runs nothing else.
import { defineConfig } from 'eslint/config';
import security from 'eslint-plugin-security';
import tseslint from 'typescript-eslint';

export default defineConfig({
  name: 'security',
  files: ['**/*.{js,mjs,ts}'],
  languageOptions: { parser: tseslint.parser },
  // The typescript plugin without a rule: comments in the code name rules of it.
  linterOptions: { reportUnusedDisableDirectives: 'off' },
  plugins: { security, '@typescript-eslint': tseslint.plugin },
  rules: {
    'no-eval': 'error',
    'no-implied-eval': 'error',
    'no-new-func': 'error',
    'no-script-url': 'error',
    'security/detect-bidi-characters': 'error',
    'security/detect-buffer-noassert': 'error',
    'security/detect-child-process': 'error',
    'security/detect-disable-mustache-escape': 'error',
    'security/detect-eval-with-expression': 'error',
    'security/detect-new-buffer': 'error',
    'security/detect-no-csrf-before-method-override': 'error',
    'security/detect-non-literal-regexp': 'error',
    'security/detect-non-literal-require': 'error',
    'security/detect-possible-timing-attacks': 'error',
    'security/detect-pseudoRandomBytes': 'error',
    'security/detect-unsafe-regex': 'error',
  },
});

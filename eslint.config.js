import { defineConfig } from "eslint/config";
import tseslint from "typescript-eslint";

/** Only what needs types; Biome does the rest. To be dropped the day Biome's noFloatingPromises leaves its nursery. */
export default defineConfig({
  files: ["src/**/*.ts", "provisioning/**/*.ts"],
  extends: [tseslint.configs.base],
  linterOptions: { reportUnusedDisableDirectives: "error" },
  languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
  rules: {
    "@typescript-eslint/no-floating-promises": "error",
    "@typescript-eslint/no-misused-promises": "error",
    "@typescript-eslint/await-thenable": "error",
    "@typescript-eslint/switch-exhaustiveness-check": "error",
  },
});

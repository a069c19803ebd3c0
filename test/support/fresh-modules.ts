import { vi } from "vitest";

// Vitest loads this before each file, also where files share a process: each has our modules, and the tests' own, anew.
vi.resetModules();

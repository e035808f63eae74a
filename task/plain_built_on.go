//go:build framearena_plain

package task

// builtPlain says that the program is built without generated code: RequireCompiled demands nothing.
const builtPlain = true

// Package closures has programs with function literals, captured variables, addresses, and method
// values.
package closures

import "github.com/framearena/framearena/internal/compile/cases"

var programs = []cases.Program{
	{Name: "address of a loop variable", Run: loopAddress},
	{Name: "address of a range variable", Run: rangeAddress},
	{Name: "captured loop variables", Run: loopCaptured},
	{Name: "captured loop variable that the loop changes", Run: loopChanged},
	{Name: "captured range variables", Run: rangeCaptured},
	{Name: "captured variables of a body", Run: bodyCaptured},
	{Name: "captured variable in an inner loop", Run: innerCaptured},
	{Name: "literal changes a variable", Run: changes},
	{Name: "two literals share a variable", Run: shared},
	{Name: "pointer to a local survives", Run: pointers},
	{Name: "pointer to a field and an element", Run: partPointers},
	{Name: "slice of an array", Run: arraySlice},
	{Name: "pointer method on a local", Run: pointerMethod},
	{Name: "pointer passed to a callee that waits", Run: pointerPassed},
	{Name: "parameter and result captured", Run: parameterCaptured},
	{Name: "task literal", Run: taskLiteral},
	{Name: "task literal captures and changes", Run: taskLiteralChanges},
	{Name: "task literals in a loop", Run: taskLiterals},
	{Name: "task literal in a task literal", Run: nestedLiterals},
	{Name: "task literal that calls itself", Run: recursiveLiteral},
	{Name: "task literal passed on and called later", Run: passedLiteral},
	{Name: "task literal returned", Run: returnedLiteral},
	{Name: "task literal with results", Run: literalResults},
	{Name: "task literals that never wait", Run: literalsWithoutWaits},
	{Name: "function values in a map and a struct", Run: functionTable},
	{Name: "method value with a value receiver", Run: methodValue},
	{Name: "method value with a pointer receiver", Run: methodValuePointer},
	{Name: "method value of an embedded type and an interface", Run: methodValueOthers},
	{Name: "method expressions", Run: methodExpressions},
	// Method values run on goroutines, where the harness cannot make a program end.
	{Name: "task method values", Run: taskMethodValues, Beside: true},
	{Name: "nil function", Run: nilFunction},
	{Name: "closure compares equal variables", Run: sameVariable},
	{Name: "variable captured before and after its declaration's suspension", Run: declaredBySuspension},
	{Name: "unbound literal of a plain function", Run: unboundLiteral, Beside: true}, // likewise
}

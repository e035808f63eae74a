package cases

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// row is something that compilers of this sort have got wrong, with programs that would show it.
type row struct {
	mistake  string
	programs []string // each as package: name
}

var rows = []row{
	{"a variable of a loop's body keeps its value from the last iteration", []string{
		"loops: variable of the body is zero",
		"loops: variables of the body of several types",
		"loops: variable of an inner body",
		"loops: range over an int",
		"frames: large variables in a loop",
	}},
	{"an inner loop's counter does not begin anew", []string{
		"loops: inner counter begins anew",
		"loops: three loops",
		"loops: inner range begins anew",
		"functions: range over a function",
	}},
	{"the address of an iteration's variable is that of another one's", []string{
		"closures: address of a loop variable",
		"closures: address of a range variable",
		"waits: range over a channel",
	}},
	{"functions that capture a loop's variable all see the last one", []string{
		"closures: captured loop variables",
		"closures: captured range variables",
		"closures: captured loop variable that the loop changes",
		"functions: variables of a range over a function are captured",
	}},
	{"iterations share variables of the body that literals capture", []string{
		"closures: captured variables of a body",
		"closures: captured variable in an inner loop",
		"closures: task literals in a loop",
		"groups: children capture and change variables",
		"groups: a group in each iteration",
	}},
	{"a condition or tag is evaluated again on resumption", []string{
		"loops: condition of an if",
		"loops: condition of a loop",
		"branches: tag is evaluated once",
		"branches: switch without a tag",
		"functions: function of a range is evaluated once",
	}},
	{"operands are evaluated in another order", []string{
		"order: receiver and argument",
		"order: operands of an operator",
		"order: function that is computed",
		"order: nested awaits",
		"order: variable is read after a call that changes it",
		"waits: select with operands that wait",
	}},
	{"a return in a loop goes on with the loop if a deferred call waits", []string{
		"defers: return inside a loop, deferred call waits",
		"functions: deferred calls that wait in a range over a function",
	}},
	{"deferred calls run several times", []string{
		"defers: defer, break and two awaits",
		"defers: deferred calls in a loop",
		"groups: child with deferred calls that wait",
	}},
	{"a cancellation leaves out deferred calls", []string{
		"defers: deferred call at each way out",
		"defers: deferred call that waits",
		"waits: mutex in a loop with a deferred unlock",
		"waits: deferred calls in timeouts",
	}},
	{"a deferred call that waits loses the results, or what was before runs again", []string{
		"defers: deferred call that waits",
		"defers: deferred literal changes the results",
		"groups: group that is deferred",
		"waits: select in a deferred call",
	}},
	{"code behind a panic runs when a nested deferred call waits", []string{
		"defers: recover in a nested call that waits",
		"defers: recover",
		"defers: panic in a deferred call",
		"waits: panic through a timeout",
	}},
	{"two results of one name share a place", []string{
		"order: two results of one name",
		"loops: redeclared in the body",
	}},
	{"a call in a composite literal runs twice", []string{
		"order: composite literal with nil",
		"order: composite literals",
		"order: map literal with calls in keys and values",
	}},
	{"a frame has room for variables that never live at one time", []string{
		"frames: disjoint blocks of large variables",
		"frames: large arguments are passed on",
	}},
	{"a wake comes while the wait is being entered", []string{
		"waits: suspend",
		"waits: suspend until a goroutine wakes it",
		"waits: channel without room",
		"waits: event that many wait for",
	}},
	{"calls that do not wait use up the stack or memory", []string{
		"frames: many calls, few of which wait",
		"frames: deep recursion",
		"order: recursion in arguments",
	}},
	{"frames are freed in the wrong order when a child fails", []string{
		"frames: two large children, the first fails",
		"groups: a child fails",
	}},
	{"a deferred call in a range over a function runs at the wrong time", []string{
		"functions: deferred calls in a range over a function",
		"functions: deferred calls in a range over a generic function",
		"functions: deferred calls in nested ranges over functions",
		"functions: panic in the body of a range over a function",
	}},
	{"a select with default through an interface is taken for one that blocks", []string{
		"branches: select with default through an interface",
		"waits: select with default through an interface",
	}},
	{"a range over a map sees entries twice, or loses some, when the map changes meanwhile", []string{
		"maps: entries deleted while it waits",
		"maps: entries inserted while it waits",
		"maps: keys that are NaN",
		"maps: map cleared and replaced",
	}},
	{"the operand of a type switch is evaluated again", []string{
		"branches: type switch evaluates its operand once",
		"branches: type switch",
		"branches: type switch whose variable is changed and captured",
	}},
	{"goto, or continue with a label, goes to a stale resume point", []string{
		"loops: goto into the middle",
		"loops: goto out of blocks",
		"loops: labelled break and continue",
		"branches: goto out of a switch",
		"waits: select in a loop with jumps",
		"functions: jumps between ranges over functions and loops",
	}},
	{"a method value has the receiver that its variable has later", []string{
		"closures: method value with a value receiver",
		"closures: method value with a pointer receiver",
		"defers: deferred method values and function values",
	}},
}

// TestRows requires that each row has programs, and that these exist.
func TestRows(t *testing.T) {
	known := programNames(t)
	require.Len(t, rows, 24)
	for _, r := range rows {
		require.NotEmpty(t, r.programs, r.mistake)
		for _, p := range r.programs {
			require.Contains(t, known, p, r.mistake)
		}
	}
}

// programNames returns the programs of all packages, as in row.
func programNames(t *testing.T) map[string]bool {
	files, err := filepath.Glob("*/programs.go")
	require.NoError(t, err)
	known := map[string]bool{}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		require.NoError(t, err)
		ast.Inspect(file, func(n ast.Node) bool {
			field, ok := n.(*ast.KeyValueExpr)
			if !ok {
				return true
			}
			key, isIdent := field.Key.(*ast.Ident)
			value, isLit := field.Value.(*ast.BasicLit)
			if isIdent && isLit && key.Name == "Name" {
				s, err := strconv.Unquote(value.Value)
				require.NoError(t, err)
				s = file.Name.Name + ": " + s
				require.False(t, known[s], "two programs have the name %q", s)
				known[s] = true
			}
			return true
		})
	}
	return known
}

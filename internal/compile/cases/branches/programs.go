// Package branches has programs with switch, type switch and select statements.
package branches

import "github.com/framearena/framearena/internal/compile/cases"

var programs = []cases.Program{
	{Name: "tag is evaluated once", Run: tagOnce, Sizes: []int{0, 1, 2, 9}},
	{Name: "cases wait, in order", Run: casesWait, Sizes: []int{0, 1, 2, 3, 9}},
	{Name: "switch without a tag", Run: noTag, Sizes: []int{0, 1, 5, 50}},
	{Name: "fallthrough", Run: falls, Sizes: []int{0, 1, 2, 3, 4}},
	{Name: "default in the middle", Run: defaultMiddle, Sizes: []int{0, 1, 2, 3}},
	{Name: "default falls through", Run: defaultFalls, Sizes: []int{0, 1, 2}},
	{Name: "break out of a switch and a loop", Run: breaks},
	{Name: "init statement and shadowed tag", Run: initStatement, Sizes: []int{0, 3}},
	{Name: "switch on strings and interfaces", Run: switchInterface, Sizes: []int{0, 1, 2, 3}},
	{Name: "empty switches", Run: empties},
	{Name: "clauses have scopes", Run: scopes, Sizes: []int{0, 1, 2}},
	{Name: "switch in a switch", Run: nestedSwitch, Sizes: []int{0, 1, 2, 3}},
	{Name: "returns in all clauses", Run: returnsEverywhere, Sizes: []int{0, 1, 2}},
	{Name: "goto out of a switch", Run: gotoOutOfSwitch, Sizes: []int{0, 1, 2}},
	{Name: "result that is assigned in a switch and never read", Run: resultNeverRead},
	{Name: "type switch", Run: typeSwitch, Sizes: []int{0, 1, 2, 3, 4, 5, 6}},
	{Name: "type switch evaluates its operand once", Run: typeSwitchOnce, Sizes: []int{0, 1}},
	{Name: "type switch without a variable", Run: typeSwitchBare, Sizes: []int{0, 1, 2}},
	{Name: "type switch with an init statement", Run: typeSwitchInit, Sizes: []int{0, 1}},
	{Name: "type switch whose variable is changed and captured", Run: typeSwitchCaptured},
	{Name: "type switch on interfaces and nil", Run: typeSwitchInterfaces, Sizes: []int{0, 1, 2, 3}},
	{Name: "type switch with break and continue", Run: typeSwitchJumps},
	{Name: "select with default", Run: selectDefault},
	{Name: "select receives, in its bodies waits", Run: selectReceives},
	{Name: "select sends", Run: selectSends},
	{Name: "select with assignments", Run: selectAssigns},
	{Name: "select whose operands wait", Run: selectOperands},
	{Name: "select with break and continue", Run: selectJumps},
	{Name: "select with default through an interface", Run: selectInterface},
	{Name: "select of nil channels with default", Run: selectNil},
	{Name: "select with one case", Run: selectOne},
}

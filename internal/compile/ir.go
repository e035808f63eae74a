package compile

import (
	"go/ast"
	"go/token"
	"go/types"
)

// A node is a statement of the form between the source and both outputs. Only what suspends is
// taken apart: everything else is code, as in the source. The start form prints the nodes as they
// are nested, the step form flattens them.
type node interface{}

// code is a statement, or the declaration of variables, without a suspension inside. Its syntax is
// that of the source, with the results of calls that have been made before in place of the calls.
type code struct {
	stmt     ast.Stmt
	declares []*types.Var // in the order of the left side
	jumps    map[*ast.BranchStmt]*jump
	pos      token.Pos
}

// declare is a variable without a value of its own in the source, which begins as zero.
type declare struct {
	v   *types.Var
	pos token.Pos
}

// await is a call that may suspend, and the assignment of its results to variables.
type await struct {
	call     *ast.CallExpr
	callee   callee
	lhs      []*types.Var // a nil one is blank; empty if the results are dropped
	declares []*types.Var // those of lhs that are new
	point    int          // the resume point behind it, from 1
	isTail   bool         // see findTailCalls
	pos      token.Pos

	pulled []*types.Var // of the ranges over functions around it
	live   []*types.Var // what is stored while it waits, in order of declaration

	spills []spilledDeferral // what a frame that is made here has of deferred calls
}

// branch is an if statement.
type branch struct {
	cond      ast.Expr
	then, els []node
	pos       token.Pos
}

// loop is a for statement: forever if cond is nil.
type loop struct {
	target
	init *code // printed in the head of the start form's statement
	cond ast.Expr
	post *code
	body []node
	pos  token.Pos
}

// block is a list of nodes with an end that jumps may go to.
type block struct {
	target
	body []node
}

// choice is a switch, type switch or select statement whose bodies suspend: it chooses a clause,
// and what it looks at does not suspend.
type choice struct {
	target
	stmt    ast.Stmt // the statement with empty bodies
	clauses []*clause
	pos     token.Pos
}

type clause struct {
	head     ast.Stmt   // the case or comm clause
	bind     *types.Var // of a type switch: the clause's own variable
	body     []node
	declares []*types.Var // of a comm clause
	falls    bool         // into the next clause
	start    label
}

// target is what jumps can go to: the end of a statement or, of a loop, its next iteration.
type target struct {
	name     string // the label in the source, or empty
	end, top label
}

// label is a place in the step form.
type label struct {
	hint string
	name string
}

// jump is a break or continue statement that leaves a statement which has been taken apart.
type jump struct {
	to   *target
	next bool // go on with the next iteration
	pos  token.Pos
}

// goTo and labelled are a goto statement and its label as they are in the source.
type goTo struct {
	name string
	pos  token.Pos
}

type labelled struct{ name string }

// ret is a return statement.
type ret struct {
	results []ast.Expr
	pos     token.Pos
	isEnd   bool // it is the end of the function, and no statement of the source
}

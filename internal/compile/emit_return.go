package compile

import (
	"fmt"
	"go/ast"
	"go/token"
	"strings"
)

func (e *stepEmitter) ret(n *ret) {
	e.line(n.pos)
	if n.isEnd && e.fn.isDeferring() && len(e.fn.results) == 0 {
		return // it goes on at the exit
	}
	if n.isEnd && len(e.fn.results) > 0 {
		e.printf("panic(\"unreachable\")\n")
		return
	}
	nodes := make([]ast.Node, len(n.results))
	for i, r := range n.results {
		nodes[i] = r
	}
	e.withCopies(func() { e.printf("%s\n", e.returnText(n.results, n.pos)) }, nodes...)
}

// returnText returns the statements that end the task with the results.
func (e *stepEmitter) returnText(results []ast.Expr, pos token.Pos) string {
	fn := e.fn
	if fn.isDeferring() {
		return e.exitText(results)
	}
	values, fails := splitResults(fn.sig)
	n := len(fn.results)
	texts := make([]string, n)
	before := ""
	switch {
	case n == 0:
	case len(results) == 0:
		for i, v := range fn.results {
			texts[i] = e.file.zero(v.Type())
			if v.Name() != "_" {
				texts[i] = e.variable(v)
			}
		}
	case len(results) < n: // a call with several results
		for i := range texts {
			texts[i] = fn.local("v")
		}
		before = fmt.Sprintf("%s := %s\n", strings.Join(texts, ", "), e.text(results[0]))
	default:
		for i, r := range results {
			texts[i] = e.text(r)
		}
	}
	err := "nil"
	if fails {
		err = texts[n-1]
	}
	var result string
	switch len(values) {
	case 0:
		result = "struct{}{}"
	case 1:
		result = texts[0]
	default:
		result = fn.resultText() + "{" + strings.Join(texts[:len(values)], ", ") + "}"
	}
	text := fmt.Sprintf("return %s[%s](%s, %s, %s)", e.file.generated("Return"), e.fn.resultText(), fn.frame, result, err)
	if before != "" {
		return "{\n" + before + text + "\n}"
	}
	return text
}

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
	text := fn.endText("Return", fn.frame, texts)
	if before != "" {
		return "{\n" + before + text + "\n}"
	}
	return text
}

// endText returns the statements that end the task by the function end of package generated, whose first
// arguments are args, with the results of the function.
func (fn *function) endText(end, args string, results []string) string {
	f := fn.file
	values, fails := splitResults(fn.sig)
	err, result := "nil", "struct{}{}"
	if fails {
		err = results[len(values)]
	}
	switch len(values) {
	case 0:
	case 1:
		result = results[0]
	default:
		result = fn.resultText() + "{" + strings.Join(results[:len(values)], ", ") + "}"
	}
	if !mayFail(fn.sig) {
		return fmt.Sprintf("return %s[%s](%s, %s, %s)", f.generated(end), fn.resultText(), args, result, err)
	}
	r, last := fn.local("r"), len(values)-1
	var types, fields []string
	for i, v := range values[:last] {
		types = append(types, resultField(i)+" "+f.typeText(v))
		fields = append(fields, r+"."+resultField(i))
	}
	place, restType, rest := "&"+r+"."+resultField(last), "struct{ "+strings.Join(types, "; ")+" }", ""
	switch last {
	case 0:
		place, restType, rest = "&"+r, "struct{}", "struct{}{}"
	case 1:
		restType, rest = f.typeText(values[0]), fields[0]
	default:
		rest = restType + "{" + strings.Join(fields, ", ") + "}"
	}
	err = fn.local("err")
	var b strings.Builder
	fmt.Fprintf(&b, "{\nvar %s %s = %s\n", r, fn.resultText(), result)
	fmt.Fprintf(&b, "if %s, ok := %s(%s); ok {\n", err, f.generated("AsError"), place)
	fmt.Fprintf(&b, "return %s[%s](%s, %s, %s)\n}\n", f.generated(end), restType, args, rest, err)
	fmt.Fprintf(&b, "return %s[%s](%s, %s, nil)\n}", f.generated(end), fn.resultText(), args, r)
	return b.String()
}

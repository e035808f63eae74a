package compile

import (
	"fmt"
	"go/ast"
	"go/token"
	"strings"
)

// headText returns the text of a switch or select statement up to its brace. name is the variable of
// a type switch, or empty.
func (r *renderer) headText(n *choice, name string) string {
	switch s := n.stmt.(type) {
	case *ast.SwitchStmt:
		if s.Tag == nil {
			return "switch"
		}
		return "switch " + r.text(s.Tag)
	case *ast.TypeSwitchStmt:
		x := r.text(s.Assign.(*ast.ExprStmt).X)
		if name != "" {
			x = name + " := " + x
		}
		return "switch " + x
	}
	return "select"
}

// clauseText returns the text of a clause's head with its colon.
func (r *renderer) clauseText(c *clause, comm func(ast.Stmt) string) string {
	switch h := c.head.(type) {
	case *ast.CaseClause:
		if h.List == nil {
			return "default:"
		}
		parts := make([]string, len(h.List))
		for i, e := range h.List {
			parts[i] = r.text(e)
		}
		return "case " + strings.Join(parts, ", ") + ":"
	case *ast.CommClause:
		if h.Comm == nil {
			return "default:"
		}
		return "case " + comm(h.Comm) + ":"
	}
	return ""
}

// choice writes the statement as the source has it.
func (e *startEmitter) choice(n *choice) {
	name := ""
	for _, c := range n.clauses {
		if c.bind != nil && name == "" {
			name = e.fn.names[c.bind]
		}
	}
	var b strings.Builder
	label := ""
	for _, c := range n.clauses {
		fmt.Fprintf(&b, "%s\n", e.clauseText(c, func(s ast.Stmt) string { return e.text(s) }))
		if c.bind != nil && e.fn.names[c.bind] != name {
			fmt.Fprintf(&b, "%s := %s\n", e.fn.names[c.bind], name)
		}
		l, body := e.within(&n.target, c.body)
		label = orElse(label, l)
		b.WriteString(body)
		if c.falls {
			b.WriteString("fallthrough\n")
		}
	}
	if label != "" {
		e.printf("%s:\n", label)
	}
	e.line(n.pos)
	e.printf("%s {\n%s}\n", e.headText(n, name), b.String())
}

// choice chooses a clause and goes to its body.
func (e *stepEmitter) choice(n *choice) {
	name := ""
	for _, c := range n.clauses {
		if c.bind != nil && name == "" {
			name = e.fn.local("x")
		}
	}
	e.line(n.pos)
	e.withCopies(func() {
		e.printf("%s {\n", e.headText(n, name))
		for _, c := range n.clauses {
			e.printf("%s\n", e.clauseText(c, e.commText))
			if c.bind != nil {
				if e.pointers[c.bind] {
					e.printf("%s = new(%s)\n", e.fn.names[c.bind], e.file.typeText(c.bind.Type()))
				}
				e.printf("%s = %s\n", e.variable(c.bind), name)
			}
			e.printf("goto %s\n", c.start.name)
		}
		e.printf("}\n")
	}, append(n.heads(), n.stmt)...)
}

// heads returns what the clauses evaluate.
func (n *choice) heads() (nodes []ast.Node) {
	for _, c := range n.clauses {
		nodes = append(nodes, c.head)
	}
	return nodes
}

// commText returns a communication whose variables are declared already.
func (e *stepEmitter) commText(s ast.Stmt) string {
	if a, ok := s.(*ast.AssignStmt); ok {
		assigned := *a
		assigned.Tok = token.ASSIGN
		return e.text(&assigned)
	}
	return e.text(s)
}

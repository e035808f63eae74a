package compile

import (
	"go/ast"
	"strconv"
	"strings"
)

// The directive
//
//	//coro:task max=128
//
// in the comment of a task function makes it an error if its frames take more bytes than that.
const directivePrefix = "//coro:task"

// checkDirective looks for the directive, and reports frames that are larger than it allows.
func (fn *function) checkDirective(bytes int64) {
	if fn.decl == nil || fn.decl.Doc == nil {
		return
	}
	for _, c := range fn.decl.Doc.List {
		rest, ok := strings.CutPrefix(c.Text, directivePrefix)
		if !ok {
			continue
		}
		limit, ok := fn.frameLimit(c, rest)
		if ok && bytes > limit {
			fn.unit.diag.at(fn.pos(), "the frames of %s take %d bytes, more than the %d that its directive allows; framearena gen -m says what is in them: call what needs so much in a function of its own, or keep it behind a pointer",
				fn.display, bytes, limit)
		}
	}
}

func (fn *function) frameLimit(c *ast.Comment, rest string) (limit int64, ok bool) {
	digits, ok := strings.CutPrefix(strings.TrimSpace(rest), "max=")
	limit, err := strconv.ParseInt(digits, 10, 64)
	if !ok || err != nil || limit <= 0 {
		fn.unit.diag.at(c.Pos(), "this directive is not known; write %s max=128, with the most bytes that the function's frame may take", directivePrefix)
		return 0, false
	}
	return limit, true
}

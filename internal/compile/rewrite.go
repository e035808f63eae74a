package compile

import (
	"go/ast"
	"go/types"
	"reflect"
)

var nodeType = reflect.TypeFor[ast.Node]()

// rewrite returns the tree n with every node replaced for which replace returns another one. It
// changes no node: those above a replacement are copied, and all others are shared with n, so what
// the type checker recorded for them still holds. What it recorded for a copied node is recorded
// for the copy.
func rewrite[N ast.Node](info *types.Info, n N, replace func(ast.Node) ast.Node) N {
	v := rewriteValue(info, reflect.ValueOf(&n).Elem(), replace)
	return v.Interface().(N)
}

func rewriteValue(info *types.Info, v reflect.Value, replace func(ast.Node) ast.Node) reflect.Value {
	switch v.Kind() {
	case reflect.Interface:
		if v.IsNil() {
			return v
		}
		old := v.Elem()
		changed := rewriteValue(info, old, replace)
		if changed == old {
			return v
		}
		box := reflect.New(v.Type()).Elem()
		box.Set(changed)
		return box
	case reflect.Pointer:
		if v.IsNil() || !v.Type().Implements(nodeType) {
			return v
		}
		n := v.Interface().(ast.Node)
		if _, ok := n.(*ast.CommentGroup); ok {
			return v
		}
		if r := replace(n); r != nil {
			return reflect.ValueOf(r)
		}
		return rewriteFields(info, v, n, replace)
	case reflect.Slice:
		var copied reflect.Value
		for i := range v.Len() {
			e := v.Index(i)
			changed := rewriteValue(info, e, replace)
			if changed.Interface() == e.Interface() {
				continue
			}
			if !copied.IsValid() {
				copied = reflect.MakeSlice(v.Type(), v.Len(), v.Len())
				reflect.Copy(copied, v)
			}
			copied.Index(i).Set(changed)
		}
		if copied.IsValid() {
			return copied
		}
	}
	return v
}

// rewriteFields rewrites the nodes below n, to which v points.
func rewriteFields(info *types.Info, v reflect.Value, n ast.Node, replace func(ast.Node) ast.Node) reflect.Value {
	var copied reflect.Value
	s := v.Elem()
	for i := range s.NumField() {
		f := s.Field(i)
		switch f.Kind() {
		case reflect.Interface, reflect.Pointer, reflect.Slice:
		default:
			continue
		}
		if t := f.Type(); f.Kind() == reflect.Slice && !t.Elem().Implements(nodeType) || f.Kind() != reflect.Slice && !t.Implements(nodeType) {
			continue
		}
		changed := rewriteValue(info, f, replace)
		if same(changed, f) {
			continue
		}
		if !copied.IsValid() {
			copied = reflect.New(s.Type())
			copied.Elem().Set(s)
		}
		copied.Elem().Field(i).Set(changed)
	}
	if !copied.IsValid() {
		return v
	}
	recordCopy(info, n, copied.Interface().(ast.Node))
	return copied
}

func same(a, b reflect.Value) bool {
	if a.Kind() == reflect.Slice {
		return a.Len() == b.Len() && a.Pointer() == b.Pointer()
	}
	return a.Interface() == b.Interface()
}

// recordCopy records for a copy what is recorded for the original.
func recordCopy(info *types.Info, original, copied ast.Node) {
	if e, ok := original.(ast.Expr); ok {
		if tv, ok := info.Types[e]; ok {
			info.Types[copied.(ast.Expr)] = tv
		}
	}
	if e, ok := original.(*ast.SelectorExpr); ok {
		if s, ok := info.Selections[e]; ok {
			info.Selections[copied.(*ast.SelectorExpr)] = s
		}
	}
	if o, ok := info.Implicits[original]; ok {
		info.Implicits[copied] = o
	}
	if s, ok := info.Scopes[original]; ok {
		info.Scopes[copied] = s
	}
}

package compile

import (
	"fmt"
	"go/types"
	"strconv"
	"strings"
)

// typeText returns the type as the output file spells it.
func (f *file) typeText(t types.Type) string {
	var b strings.Builder
	f.writeType(&b, t)
	return b.String()
}

func (f *file) writeType(b *strings.Builder, t types.Type) {
	switch t := t.(type) {
	case *types.Basic:
		if t.Kind() == types.UnsafePointer {
			b.WriteString(f.imports.use("unsafe", "unsafe") + ".Pointer")
			return
		}
		b.WriteString(types.Default(t).String())
	case *types.Alias:
		f.writeNamed(b, t.Obj(), t.TypeArgs())
	case *types.Named:
		f.writeNamed(b, t.Obj(), t.TypeArgs())
	case *types.TypeParam:
		if name := t.Obj().Name(); name != "_" {
			b.WriteString(name)
			return
		}
		fmt.Fprintf(b, "P%d", t.Index()+1)
	case *types.Pointer:
		b.WriteByte('*')
		f.writeType(b, t.Elem())
	case *types.Slice:
		b.WriteString("[]")
		f.writeType(b, t.Elem())
	case *types.Array:
		b.WriteString("[" + strconv.FormatInt(t.Len(), 10) + "]")
		f.writeType(b, t.Elem())
	case *types.Map:
		b.WriteString("map[")
		f.writeType(b, t.Key())
		b.WriteByte(']')
		f.writeType(b, t.Elem())
	case *types.Chan:
		switch t.Dir() {
		case types.SendRecv:
			b.WriteString("chan ")
		case types.SendOnly:
			b.WriteString("chan<- ")
		case types.RecvOnly:
			b.WriteString("<-chan ")
		}
		if c, ok := t.Elem().(*types.Chan); ok && t.Dir() != types.SendOnly && c.Dir() == types.RecvOnly {
			b.WriteByte('(')
			f.writeType(b, t.Elem())
			b.WriteByte(')')
			return
		}
		f.writeType(b, t.Elem())
	case *types.Signature:
		b.WriteString("func")
		f.writeSignature(b, t)
	case *types.Struct:
		f.writeStruct(b, t)
	case *types.Interface:
		f.writeInterface(b, t)
	case *types.Union:
		for i := range t.Len() {
			if i > 0 {
				b.WriteString(" | ")
			}
			if t.Term(i).Tilde() {
				b.WriteByte('~')
			}
			f.writeType(b, t.Term(i).Type())
		}
	default:
		fmt.Fprintf(b, "%s", t)
	}
}

func (f *file) writeNamed(b *strings.Builder, o *types.TypeName, args *types.TypeList) {
	switch {
	case f.unit.localTypes[o] != "":
		b.WriteString(f.localTypeText(o, args))
		return
	case o.Pkg() == nil || o.Pkg() == f.unit.types:
		b.WriteString(o.Name())
	default:
		b.WriteString(f.imports.use(o.Pkg().Path(), o.Pkg().Name()) + "." + o.Name())
	}
	if args.Len() == 0 {
		return
	}
	b.WriteByte('[')
	for i := range args.Len() {
		if i > 0 {
			b.WriteString(", ")
		}
		f.writeType(b, args.At(i))
	}
	b.WriteByte(']')
}

// writeSignature writes parameters and results without names.
func (f *file) writeSignature(b *strings.Builder, sig *types.Signature) {
	b.WriteByte('(')
	for i := range sig.Params().Len() {
		if i > 0 {
			b.WriteString(", ")
		}
		f.writeParam(b, sig, i)
	}
	b.WriteByte(')')
	f.writeResults(b, sig)
}

func (f *file) writeParam(b *strings.Builder, sig *types.Signature, i int) {
	t := sig.Params().At(i).Type()
	if sig.Variadic() && i == sig.Params().Len()-1 {
		b.WriteString("...")
		if s, ok := t.(*types.Slice); ok {
			t = s.Elem()
		}
	}
	f.writeType(b, t)
}

func (f *file) writeResults(b *strings.Builder, sig *types.Signature) {
	switch n := sig.Results().Len(); n {
	case 0:
	case 1:
		b.WriteByte(' ')
		f.writeType(b, sig.Results().At(0).Type())
	default:
		b.WriteString(" (")
		for i := range n {
			if i > 0 {
				b.WriteString(", ")
			}
			f.writeType(b, sig.Results().At(i).Type())
		}
		b.WriteByte(')')
	}
}

func (f *file) writeStruct(b *strings.Builder, t *types.Struct) {
	b.WriteString("struct{")
	for i := range t.NumFields() {
		if i > 0 {
			b.WriteString("; ")
		}
		if v := t.Field(i); !v.Embedded() {
			b.WriteString(v.Name() + " ")
		}
		f.writeType(b, t.Field(i).Type())
		if tag := t.Tag(i); tag != "" {
			b.WriteString(" " + strconv.Quote(tag))
		}
	}
	b.WriteByte('}')
}

func (f *file) writeInterface(b *strings.Builder, t *types.Interface) {
	if t.NumExplicitMethods() == 0 && t.NumEmbeddeds() == 0 {
		b.WriteString("interface{}")
		return
	}
	b.WriteString("interface{")
	sep := " "
	for m := range t.ExplicitMethods() {
		b.WriteString(sep + m.Name())
		f.writeSignature(b, m.Signature())
		sep = "; "
	}
	for e := range t.EmbeddedTypes() {
		b.WriteString(sep)
		f.writeType(b, e)
		sep = "; "
	}
	b.WriteString(" }")
}

// isNameable returns an empty string if the output can spell the type, or what is in the way.
func (u *unit) isNameable(t types.Type) string {
	hidden := ""
	walkType(t, func(t types.Type) {
		var o *types.TypeName
		switch t := t.(type) {
		case *types.Named:
			o = t.Obj()
		case *types.Alias:
			o = t.Obj()
		case *types.Struct:
			for v := range t.Fields() {
				if !v.Exported() && v.Pkg() != u.types {
					hidden = t.String()
				}
			}
			return
		default:
			return
		}
		if o.Pkg() != nil && o.Pkg() != u.types && !o.Exported() {
			hidden = o.Pkg().Name() + "." + o.Name()
		}
	})
	return hidden
}

// walkType calls f for the type and those that its spelling consists of.
func walkType(t types.Type, f func(types.Type)) {
	f(t)
	switch t := t.(type) {
	case *types.Alias:
		walkNamed(t.Obj(), t.TypeArgs(), f)
	case *types.Named:
		walkNamed(t.Obj(), t.TypeArgs(), f)
	case *types.Pointer:
		walkType(t.Elem(), f)
	case *types.Slice:
		walkType(t.Elem(), f)
	case *types.Array:
		walkType(t.Elem(), f)
	case *types.Map:
		walkType(t.Key(), f)
		walkType(t.Elem(), f)
	case *types.Chan:
		walkType(t.Elem(), f)
	case *types.Signature:
		for v := range t.Params().Variables() {
			walkType(v.Type(), f)
		}
		for v := range t.Results().Variables() {
			walkType(v.Type(), f)
		}
	case *types.Struct:
		for v := range t.Fields() {
			walkType(v.Type(), f)
		}
	case *types.Interface:
		for m := range t.ExplicitMethods() {
			walkType(m.Signature(), f)
		}
		for e := range t.EmbeddedTypes() {
			walkType(e, f)
		}
	case *types.Union:
		for i := range t.Len() {
			walkType(t.Term(i).Type(), f)
		}
	}
}

func walkNamed(o *types.TypeName, args *types.TypeList, f func(types.Type)) {
	for a := range args.Types() {
		walkType(a, f)
	}
	for _, p := range typeParamsAround(o) {
		f(p)
	}
}

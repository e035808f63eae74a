package compile

import (
	"go/types"
	"slices"
)

// layout says where each variable is stored at each resume point. Pointer-free variables lie in the
// state, in a struct for each resume point, so nothing dead takes room. All others lie in the held
// part, one struct for the function: variables of one type that are never stored together share a
// slot.
type layout struct {
	args   *storage   // at resume point 0
	points []*storage // of the awaits, from resume point 1
	slots  []*slot    // of the held part

	hasState bool
	hasHeld  bool

	isDeferring bool // the held part keeps the deferred calls
}

// storage is what is stored at one resume point.
type storage struct {
	state []field
	held  []field

	// result is where the callee's result goes: a field of the state or of the held part.
	result     string
	resultHeld bool
	resultType types.Type
}

// isBare reports whether nothing is stored in the held part, and it may be missing.
func (l *layout) isBare(s *storage) bool {
	return len(s.held) == 0 && !s.resultHeld && !l.isDeferring
}

// hasBare reports whether the held part may be missing where the function goes on.
func (l *layout) hasBare() bool {
	return l.hasHeld && slices.ContainsFunc(l.points, l.isBare)
}

// field is a variable and the name of the field it is stored in.
type field struct {
	v    *types.Var
	name string
}

// slot is a field of the held part.
type slot struct {
	name string
	typ  types.Type // of a box: the pointer's
	text string     // the type, if it is none of the source
	with varSet     // variables that are stored in it
}

func (fn *function) newLayout() *layout {
	// The kinds of instances need types of their own, and deferred calls a place.
	l := &layout{hasHeld: fn.isDeferring() || len(fn.typeParams) > 0, isDeferring: fn.isDeferring()}
	var args []*types.Var
	for _, v := range fn.arguments() {
		if v.Name() != "_" && v.Name() != "" {
			args = append(args, v)
		}
	}
	points := [][]*types.Var{args}
	for _, a := range fn.awaits {
		points = append(points, a.live)
	}
	together := conflicts(points)
	held := map[*types.Var]*slot{}
	names := map[string]bool{"exit": true}
	for n, vs := range points {
		s := &storage{}
		fields := map[string]bool{}
		for _, v := range vs {
			t := fn.storedType(v)
			if isPointerFree(t) {
				name := fresh(fn.names[v], func(s string) bool { return fields[s] })
				fields[name] = true
				s.state = append(s.state, field{v, name})
				l.hasState = true
				continue
			}
			if held[v] == nil {
				held[v] = l.slotFor(fn, v, t, together[v], names)
			}
			s.held = append(s.held, field{v, held[v].name})
			l.hasHeld = true
		}
		if n == 0 {
			l.args = s
			continue
		}
		l.placeResult(fn, fn.awaits[n-1], s, fields)
		l.points = append(l.points, s)
	}
	l.placeHeldResults(fn, names)
	return l
}

// arguments returns what a call of the function as a root has, in order.
func (fn *function) arguments() []*types.Var {
	var vs []*types.Var
	vs = append(vs, fn.captured...)
	if fn.recv != nil {
		vs = append(vs, fn.recv)
	}
	return append(vs, fn.params...)
}

// storedType returns the type of what is stored for a variable: of a box, a pointer.
func (fn *function) storedType(v *types.Var) types.Type {
	if fn.isBox(v) {
		return types.NewPointer(v.Type())
	}
	return v.Type()
}

// conflicts returns for each variable those that are stored together with it somewhere.
func conflicts(points [][]*types.Var) map[*types.Var]varSet {
	together := map[*types.Var]varSet{}
	for _, vs := range points {
		for _, v := range vs {
			if together[v] == nil {
				together[v] = varSet{}
			}
			for _, w := range vs {
				if w != v {
					together[v][w] = true
				}
			}
		}
	}
	return together
}

func (l *layout) slotFor(fn *function, v *types.Var, t types.Type, together varSet, names map[string]bool) *slot {
	text := ""
	if fn.unit.rawTypes[v] != nil {
		text = fn.typeOf(v)
	}
	for _, s := range l.slots {
		if s.text != text || !types.Identical(s.typ, t) {
			continue
		}
		free := true
		for w := range s.with {
			if together[w] {
				free = false
			}
		}
		if free {
			s.with[v] = true
			return s
		}
	}
	s := &slot{name: fresh(fn.names[v], func(s string) bool { return names[s] }), typ: t, text: text, with: varSet{v: true}}
	names[s.name] = true
	l.slots = append(l.slots, s)
	return s
}

// placeResult decides where the result of a call goes, if anybody looks at it.
func (l *layout) placeResult(fn *function, a *await, s *storage, fields map[string]bool) {
	t := fn.unit.resultType(a.callee.sig)
	if t == nil || !a.usesResult() {
		return
	}
	s.resultType = t
	if !isPointerFree(t) {
		s.resultHeld = true
		return
	}
	s.result = fresh("result", func(s string) bool { return fields[s] })
	l.hasState = true
}

// usesResult reports whether a result other than a last error is assigned to a variable.
func (a *await) usesResult() bool {
	values, _ := splitResults(a.callee.sig)
	return slices.ContainsFunc(a.lhs[:min(len(values), len(a.lhs))], func(v *types.Var) bool { return v != nil })
}

// placeHeldResults adds a slot for each type of result that holds pointers: only one call waits at
// a time.
func (l *layout) placeHeldResults(fn *function, names map[string]bool) {
	var slots []*slot
	for _, s := range l.points {
		if !s.resultHeld {
			continue
		}
		l.hasHeld = true
		i := slices.IndexFunc(slots, func(o *slot) bool { return types.Identical(o.typ, s.resultType) })
		if i < 0 {
			i = len(slots)
			name := fresh("result", func(s string) bool { return names[s] })
			names[name] = true
			slots = append(slots, &slot{name: name, typ: s.resultType})
		}
		s.result = slots[i].name
	}
	l.slots = append(l.slots, slots...)
}

// resultType returns the type R of a task function's result, or nil if it has none but an error.
func (u *unit) resultType(sig *types.Signature) types.Type {
	values, _ := splitResults(sig)
	switch len(values) {
	case 0:
		return nil
	case 1:
		return values[0]
	}
	fields := make([]*types.Var, len(values))
	for i, t := range values {
		fields[i] = types.NewField(0, u.types, resultField(i), t, false)
	}
	return types.NewStruct(fields, nil)
}

// isPointerFree reports whether values of the type can lie in a frame: they hold no Go pointers, and
// their size does not depend on type arguments.
func isPointerFree(t types.Type) bool {
	switch t := t.(type) {
	case *types.TypeParam:
		return false
	case *types.Alias:
		return !mentionsTypeParam(t) && isPointerFree(types.Unalias(t))
	case *types.Named:
		return !mentionsTypeParam(t) && isPointerFree(t.Underlying())
	case *types.Basic:
		return t.Info()&types.IsString == 0 && t.Kind() != types.UnsafePointer && t.Kind() != types.UntypedNil
	case *types.Array:
		return isPointerFree(t.Elem())
	case *types.Struct:
		for v := range t.Fields() {
			if !isPointerFree(v.Type()) {
				return false
			}
		}
		return true
	}
	return false
}

func mentionsTypeParam(t types.Type) (found bool) {
	walkType(t, func(t types.Type) {
		if _, ok := t.(*types.TypeParam); ok {
			found = true
		}
	})
	return found
}

package coro

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// mustBePointerFree panics if a value of type t, which is the part ("state") of the
// task called name, could hold a Go pointer.
func mustBePointerFree(name, part string, t reflect.Type) {
	if where := pointerPath(part, t); where != "" {
		panic(fmt.Sprintf("coro: task %s: %s holds a Go pointer; move it to the held part", quote(name), where))
	}
}

// pointerPath says where the first Go pointer is in a value of type t, which is the
// part ("state" or "result") of a task; it returns "" if there is none.
func pointerPath(part string, t reflect.Type) string {
	path, offender := pointerIn(t)
	if offender == nil {
		return ""
	}
	where := part + " type"
	if path != "" {
		where = part + " field " + path
	}
	return where + " (" + typeName(offender) + ")"
}

// typeName returns the name of t. Reflection says uint8 where the program said
// byte, nearly always.
func typeName(t reflect.Type) string { return strings.ReplaceAll(t.String(), "[]uint8", "[]byte") }

// pointerIn returns the path to the first part of t that the collector would
// have to follow, and that part's type; nil if there is none.
func pointerIn(t reflect.Type) (path string, offender reflect.Type) {
	switch t.Kind() {
	case reflect.Bool,
		reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr,
		reflect.Float32, reflect.Float64, reflect.Complex64, reflect.Complex128:
		return "", nil
	case reflect.Array:
		if t.Len() == 0 {
			return "", nil
		}
		path, offender = pointerIn(t.Elem())
		return "[0]" + path, offender
	case reflect.Struct:
		for i := range t.NumField() {
			field := t.Field(i)
			if path, offender := pointerIn(field.Type); offender != nil {
				return "." + field.Name + path, offender
			}
		}
		return "", nil
	default:
		return "", t
	}
}

func quote(name string) string { return strconv.Quote(name) }

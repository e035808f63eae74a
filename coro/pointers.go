package coro

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/framearena/framearena/internal/printable"
)

// mustBePointerFree panics if a value of type t can hold a Go pointer. t is the type of a part
// ("state") of the task called name.
func mustBePointerFree(name, part string, t reflect.Type) {
	if where := pointerPath(part, t); where != "" {
		panic(fmt.Sprintf("coro: task %s: %s holds a Go pointer; move it to the held part", quote(name), where))
	}
}

// pointerPath describes the first Go pointer in a value of type t, which is a part ("state" or
// "result") of a task: its path and its type. It returns "" if there is none.
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

// typeName returns the name of t. For reflection []byte is []uint8, and programs nearly always
// say []byte.
func typeName(t reflect.Type) string { return strings.ReplaceAll(t.String(), "[]uint8", "[]byte") }

// pointerIn returns the path to the first part of t that the garbage collector would have to
// follow, and the type of that part. The type is nil if there is none.
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

// quote returns the name of a kind for an error text: in quotes, on one line, and cut if it is long.
func quote(name string) string { return strconv.Quote(printable.Cut(name)) }

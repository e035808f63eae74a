package generated

import (
	"reflect"
	"sync"
	"sync/atomic"

	"github.com/framearena/framearena/internal/memo"
)

// Site is a call of a method of an interface. It remembers the form of the type that it has found
// last. Its zero value is ready for use, by any goroutine.
type Site struct{ last atomic.Pointer[siteEntry] }

// siteEntry is the start form for one type. It is not changed.
type siteEntry struct {
	of    reflect.Type
	start any
}

// methodName identifies a method of a type.
type methodName struct {
	of   reflect.Type
	name string
}

// methods has the start forms of methods, each a func(any, *task.T, args…) results.
var methods sync.Map // from methodName

// BindMethod enters the start form of the method of the given name of the type T, for calls through
// interfaces. start is a func(recv any, t *task.T, args…) results.
func BindMethod[T any](name string, start any) {
	methods.Store(methodName{reflect.TypeFor[T](), name}, start)
}

// Method returns the start form of recv's method of the given name, which is called at site. F is a
// func(recv any, t *task.T, args…) results. It returns nil if that method is not compiled.
func Method[F any](site *Site, recv any, name string) F {
	t := reflect.TypeOf(recv)
	if e := site.last.Load(); e != nil && e.of == t {
		f, _ := e.start.(F)
		return f
	}
	start, _ := methods.Load(methodName{t, name})
	site.last.Store(&siteEntry{t, start})
	f, _ := start.(F)
	return f
}

// instances has what Instance has made, by type.
var instances memo.Table

// Instance returns the kind that define makes, one for each type K, which stands for an instance of a
// generic function.
func Instance[K any](define func() *Kind) *Kind {
	return memo.Get(&instances, reflect.TypeFor[K](), define)
}

package generated

import "reflect"

// MapRange goes through a map while the function that does so may wait. It is a range statement of
// the language otherwise: entries that are deleted before they are reached are not seen, those that
// are inserted may be, and none is seen twice.
type MapRange[K comparable, V any] struct{ it *reflect.MapIter }

// RangeMap begins a range over m.
func RangeMap[M ~map[K]V, K comparable, V any](m M) *MapRange[K, V] {
	return &MapRange[K, V]{reflect.ValueOf(m).MapRange()}
}

// Next returns the next entry, and whether there is one.
func (r *MapRange[K, V]) Next() (k K, v V, ok bool) {
	if !r.it.Next() {
		return k, v, false
	}
	reflect.ValueOf(&k).Elem().SetIterKey(r.it)
	reflect.ValueOf(&v).Elem().SetIterValue(r.it)
	return k, v, true
}

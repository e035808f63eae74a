package generated

// The last result of a generic function may be of a type parameter that is error in some instances. An
// error goes from a function to its caller in another way than other results, and both must agree, though one
// of them may not be generic. So generic code asks when it runs.

// AsError returns the value at v if V is error.
func AsError[V any](v *V) (err error, ok bool) {
	if e, ok := any(v).(*error); ok {
		return *e, true
	}
	return nil, false
}

// SetLast stores err at v if V is error. If it is not, SetLast panics as [Child] does.
func SetLast[V any](v *V, err error) {
	if e, ok := any(v).(*error); ok {
		*e = err
		return
	}
	notCompiled(err)
}

// TakeLast is [ChildErr] if V is error, and stores the error at v. Otherwise it is [Child].
func TakeLast[V any](f *Frame, v *V) { SetLast(v, f.ChildErr()) }

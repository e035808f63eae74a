//go:build cgo

package frames

// #include <stdlib.h>
import "C"

import "unsafe"

func openCgo() (source, error) {
	return shared{of(
		func() unsafe.Pointer { return C.malloc(size) },
		func(p unsafe.Pointer) { C.free(p) },
	)}, nil
}

func openCgoMixed() (mixed, error) {
	return mixed{
		get: func(size uintptr) unsafe.Pointer { return C.malloc(C.size_t(size)) },
		put: func(p unsafe.Pointer, _ uintptr) { C.free(p) },
	}, nil
}

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

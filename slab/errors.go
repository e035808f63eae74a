package slab

import "errors"

var (
	// ErrRefused is wrapped by errors that report that the operating system gave no memory.
	// They wrap the system's error too.
	ErrRefused = errors.New("slab: the system refused memory")

	// ErrClosed is returned by the methods of a closed Store.
	ErrClosed = errors.New("slab: store is closed")

	// ErrUnknown is wrapped by errors about an address or a size that the Store did not
	// hand out.
	ErrUnknown = errors.New("slab: not memory of this store")
)

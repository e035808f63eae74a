package slab

import "errors"

var (
	// ErrRefused is wrapped by errors that say that the operating system did not
	// give memory. What it said is wrapped too.
	ErrRefused = errors.New("slab: the system refused memory")

	// ErrClosed is the error of using a closed Store.
	ErrClosed = errors.New("slab: store is closed")

	// ErrUnknown is wrapped by errors about an address or a size that is not one
	// the Store gave out.
	ErrUnknown = errors.New("slab: not memory of this store")
)

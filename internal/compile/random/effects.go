package random

// place is what a statement reads or a call may write: a *variable, or memory that has several names.
type place any

type memory string

const (
	ofPairs  memory = "structs that pointers lead to"
	ofInts   memory = "variables whose address was taken"
	ofSlices memory = "elements of slices"
	ofMaps   memory = "elements of maps"
)

type places map[place]bool

func (p places) add(others places) {
	for o := range others {
		p[o] = true
	}
}

func (p places) meets(others places) bool {
	for o := range others {
		if p[o] {
			return true
		}
	}
	return false
}

// order says what the statement that is being made has read and called. The language orders calls, and
// an argument and the call that it belongs to, but not the read of a variable and another call.
type order struct {
	read    places
	written places // by calls
}

func newOrder() *order { return &order{read: places{}, written: places{}} }

// mayRead reports whether p can be read in this statement, and notes that it is.
func (o *order) mayRead(p ...place) bool {
	for _, one := range p {
		if o.written[one] {
			return false
		}
	}
	o.reads(p...)
	return true
}

// reads notes that places are read.
func (o *order) reads(p ...place) {
	for _, one := range p {
		o.read[one] = true
	}
}

// call makes a call that writes to some places, with arguments that are made by another function: these
// are read before it, whatever it writes. It reports whether the call is possible; if not, it has not
// made the arguments.
func (o *order) call(writes places, arguments func()) bool {
	if o.read.meets(writes) {
		return false
	}
	before := places{}
	before.add(o.read)
	arguments()
	o.read = before
	o.written.add(writes)
	return true
}

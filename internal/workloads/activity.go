package workloads

// Activity is the state of one of many that are idle, 72 bytes: it fits the smallest frame
// of a task, and is a few local variables of a goroutine. It has contents, so that a test
// notices when the memory of a suspended task was used for something else.
type Activity struct {
	ID    uint64
	Words [8]uint64
}

// Fill gives the words their contents: an activity calls it before it is suspended.
func (a *Activity) Fill() {
	for i := range a.Words {
		a.Words[i] = a.ID + uint64(i)
	}
}

// Intact reports whether the words are as Fill has left them: an activity calls it when it
// is resumed.
func (a *Activity) Intact() bool {
	for i, w := range a.Words {
		if w != a.ID+uint64(i) {
			return false
		}
	}
	return true
}

// SumOfIDs returns 1 + 2 + … + n modulo 2⁶⁴: the sum of the IDs of n activities, as a
// counter of 64 bits has it.
func SumOfIDs(n int) uint64 {
	a, b := uint64(n), uint64(n)+1
	if a%2 == 0 {
		a /= 2
	} else {
		b /= 2
	}
	return a * b
}

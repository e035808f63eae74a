package bins_test

import (
	"fmt"
	"runtime"
	"unsafe"

	"github.com/framearena/framearena/bins"
)

func Example() {
	class := bins.ClassOf(200)
	fmt.Println("frames of", class.Size(), "B, aligned to", class.Align(), "B,", class.BatchLen(), "in a batch")

	// Lists hold addresses only: the memory is kept reachable here.
	memory := make([]byte, 4*class.Size())
	batch := new(bins.Batch)
	defer runtime.KeepAlive(memory)

	// The owner's list: the frame that was freed last is handed out first.
	list := new(bins.List)
	list.Open(bins.ListCap)
	for i := range 4 {
		list.Push(unsafe.Pointer(&memory[uintptr(i)*class.Size()]))
	}
	newest := list.Pop()
	fmt.Println("frame", (uintptr(newest)-uintptr(unsafe.Pointer(&memory[0])))/class.Size())

	// The public stack: from the owner to any goroutine whose list is empty.
	var stack bins.Stack
	list.Drain(batch, class.BatchLen())
	stack.Push(batch)
	fmt.Println(list.Len(), "private,", stack.Frames(), "public")

	taker := new(bins.List)
	taker.Open(bins.ListCap)
	taker.Fill(stack.Take())
	fmt.Println(taker.Len(), "private at the taker,", stack.Frames(), "public")
	// Output:
	// frames of 256 B, aligned to 256 B, 62 in a batch
	// frame 3
	// 0 private, 3 public
	// 3 private at the taker, 0 public
}

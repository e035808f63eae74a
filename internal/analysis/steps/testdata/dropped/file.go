//framearena:ignore the whole file is wrong on purpose

package dropped

import "github.com/framearena/framearena/coro"

func first(f *coro.Frame[int, int]) { f.Return(1) }

func second(f *coro.Frame[int, int]) { f.Return(1) }

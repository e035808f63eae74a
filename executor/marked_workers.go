package executor

import "strconv"

// A goroutine profile says which functions a goroutine is in, but not which goroutine it is. So
// each worker's goroutine begins in one of some functions that differ in nothing but their name, its
// mark, and worker.stack finds the goroutine by that. This costs nothing, and leaves the profiler
// labels of the goroutine alone. Workers whose numbers are 32 apart have the same mark.

const marks = 32 // how many there are

// start is the function that the goroutine of w begins in.
func (w *worker) start() {
	switch w.id % marks {
	case 0:
		w.mark00()
	case 1:
		w.mark01()
	case 2:
		w.mark02()
	case 3:
		w.mark03()
	case 4:
		w.mark04()
	case 5:
		w.mark05()
	case 6:
		w.mark06()
	case 7:
		w.mark07()
	case 8:
		w.mark08()
	case 9:
		w.mark09()
	case 10:
		w.mark10()
	case 11:
		w.mark11()
	case 12:
		w.mark12()
	case 13:
		w.mark13()
	case 14:
		w.mark14()
	case 15:
		w.mark15()
	case 16:
		w.mark16()
	case 17:
		w.mark17()
	case 18:
		w.mark18()
	case 19:
		w.mark19()
	case 20:
		w.mark20()
	case 21:
		w.mark21()
	case 22:
		w.mark22()
	case 23:
		w.mark23()
	case 24:
		w.mark24()
	case 25:
		w.mark25()
	case 26:
		w.mark26()
	case 27:
		w.mark27()
	case 28:
		w.mark28()
	case 29:
		w.mark29()
	case 30:
		w.mark30()
	case 31:
		w.mark31()
	}
}

func (w *worker) mark00() { w.work() }
func (w *worker) mark01() { w.work() }
func (w *worker) mark02() { w.work() }
func (w *worker) mark03() { w.work() }
func (w *worker) mark04() { w.work() }
func (w *worker) mark05() { w.work() }
func (w *worker) mark06() { w.work() }
func (w *worker) mark07() { w.work() }
func (w *worker) mark08() { w.work() }
func (w *worker) mark09() { w.work() }
func (w *worker) mark10() { w.work() }
func (w *worker) mark11() { w.work() }
func (w *worker) mark12() { w.work() }
func (w *worker) mark13() { w.work() }
func (w *worker) mark14() { w.work() }
func (w *worker) mark15() { w.work() }
func (w *worker) mark16() { w.work() }
func (w *worker) mark17() { w.work() }
func (w *worker) mark18() { w.work() }
func (w *worker) mark19() { w.work() }
func (w *worker) mark20() { w.work() }
func (w *worker) mark21() { w.work() }
func (w *worker) mark22() { w.work() }
func (w *worker) mark23() { w.work() }
func (w *worker) mark24() { w.work() }
func (w *worker) mark25() { w.work() }
func (w *worker) mark26() { w.work() }
func (w *worker) mark27() { w.work() }
func (w *worker) mark28() { w.work() }
func (w *worker) mark29() { w.work() }
func (w *worker) mark30() { w.work() }
func (w *worker) mark31() { w.work() }

// mark returns what the line of a goroutine profile contains that is about w's mark.
func (w *worker) mark() string {
	n := strconv.FormatUint(w.id%marks, 10)
	return ").mark" + ("0" + n)[len(n)-1:] + "+"
}

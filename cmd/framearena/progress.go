package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"
)

// progress shows what the command is doing: on a terminal in one line that is
// redrawn, with a bar if it is known how much there is to do, elsewhere in a plain
// line a step. It belongs to one goroutine.
//
// It moves the cursor with carriage returns and blanks alone, which every
// terminal knows, and leaves nothing to be undone.
type progress struct {
	w     io.Writer
	width int // of the terminal in columns; 0 if w is none

	current string // the step
	done    int    // of total parts of the work
	total   int    // 0 if there is no telling
	shown   int    // columns that are drawn on
}

func newProgress(w io.Writer) *progress {
	return &progress{w: w, width: terminalWidth(w)}
}

// terminalWidth returns 0 if w is not a terminal.
func terminalWidth(w io.Writer) int {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return 0
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil || width < 1 {
		return 80
	}
	return width
}

// step says what begins.
func (p *progress) step(text string) {
	p.current = text
	if p.width == 0 {
		fmt.Fprintln(p.w, text)
		return
	}
	p.draw(p.bar() + text)
}

// detail says which part of the step begins, where there is a line to redraw.
func (p *progress) detail(text string) {
	if p.width != 0 {
		p.draw(p.bar() + p.current + ": " + text)
	}
}

// part says that so many of total equal parts of the work are done: the bar shows
// it from the next step or detail on. With a total of 0 there is no bar.
func (p *progress) part(done, total int) { p.done, p.total = done, total }

const (
	barCells = 20
	barWidth = 60 // of the narrowest terminal that has room for a bar
)

// bar returns the bar and a blank, or nothing.
func (p *progress) bar() string {
	if p.total <= 0 || p.width < barWidth {
		return ""
	}
	full := barCells * min(max(p.done, 0), p.total) / p.total
	return "[" + strings.Repeat("#", full) + strings.Repeat("-", barCells-full) + "] "
}

// clear makes room for other output.
func (p *progress) clear() {
	if p.shown > 0 {
		p.draw("")
	}
}

// draw replaces the line. The last column stays free: some terminals wrap as
// soon as it is written to.
func (p *progress) draw(text string) {
	if most := p.width - 1; utf8.RuneCountInString(text) > most {
		text = string([]rune(text)[:most])
	}
	columns := utf8.RuneCountInString(text)
	fmt.Fprint(p.w, "\r", text, strings.Repeat(" ", max(0, p.shown-columns)))
	if columns == 0 {
		fmt.Fprint(p.w, "\r")
	}
	p.shown = columns
}

package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"
)

// progress shows what the command is doing. On a terminal it redraws one line, with a bar if
// the amount of work is known. Elsewhere it writes a line for each step. It belongs to one
// goroutine.
//
// It redraws with carriage returns and blanks only, which every terminal understands, and
// changes no mode of the terminal.
type progress struct {
	w     io.Writer
	width int // of the terminal in columns; 0 if w is not a terminal

	current string // the step
	done    int    // parts of the work, of total
	total   int    // parts of the work; 0 if that is not known
	shown   int    // columns of the line that is on the terminal
}

func newProgress(w io.Writer) *progress {
	return &progress{w: w, width: terminalWidth(w)}
}

// terminalWidth returns the width of a terminal in columns, 80 if the terminal does not
// report it, and 0 if w is not a terminal.
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

// step shows that a step of the work begins.
func (p *progress) step(text string) {
	p.current = text
	if p.width == 0 {
		fmt.Fprintln(p.w, text)
		return
	}
	p.draw(p.bar() + text)
}

// detail shows that a part of the step begins. It does nothing where w is not a terminal.
func (p *progress) detail(text string) {
	if p.width != 0 {
		p.draw(p.bar() + p.current + ": " + text)
	}
}

// part records that done of total equal parts of the work are done. The next step or detail
// shows it as a bar. With a total of 0 there is no bar.
func (p *progress) part(done, total int) { p.done, p.total = done, total }

const (
	barCells = 20
	barWidth = 60 // a narrower terminal has no room for a bar
)

// bar returns the bar and a blank, or "" if there is no bar.
func (p *progress) bar() string {
	if p.total <= 0 || p.width < barWidth {
		return ""
	}
	full := barCells * min(max(p.done, 0), p.total) / p.total
	return "[" + strings.Repeat("#", full) + strings.Repeat("-", barCells-full) + "] "
}

// clear removes the line, before other output.
func (p *progress) clear() {
	if p.shown > 0 {
		p.draw("")
	}
}

// draw replaces the line. It leaves the last column free, because some terminals wrap when it
// is written to.
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

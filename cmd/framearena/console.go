package main

import (
	"encoding/json"
	"io"
)

// console is where a subcommand takes its input and leaves what it has to say.
// It belongs to the goroutine that runs the subcommand.
//
// A subcommand prints tables with print and, last, the same as one document with
// encode; which of the two does something is for the flag --json to say. It tells
// progress what it is doing. On failure it returns an error and encodes nothing.
type console struct {
	stdin    io.Reader
	stdout   io.Writer
	stderr   io.Writer
	progress *progress

	json  bool // the flag; known when the subcommand begins
	began bool // the subcommand was called rightly, and has begun
}

func newConsole(stdin io.Reader, stdout, stderr io.Writer) *console {
	return &console{stdin: stdin, stdout: stdout, stderr: stderr, progress: newProgress(stderr)}
}

// print prints text, unless the output is to be JSON.
func (c *console) print(text string) error {
	if c.json {
		return nil
	}
	c.progress.clear()
	_, err := io.WriteString(c.stdout, text)
	return err
}

// encode prints the document, if the output is to be JSON.
func (c *console) encode(document any) error {
	if !c.json {
		return nil
	}
	c.progress.clear()
	e := json.NewEncoder(c.stdout)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(document)
}

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
)

// streams has the input and the outputs of a subcommand. It belongs to the goroutine that
// runs the subcommand.
//
// A subcommand prints text with print and, last, the same results as one document with
// encode. The flag --json selects which of the two writes anything. A subcommand reports to
// progress what it does. If it fails, it returns an error and encodes nothing.
type streams struct {
	ctx      context.Context // ends when the command is interrupted
	stdin    io.Reader
	stdout   io.Writer
	stderr   io.Writer
	progress *progress

	terminal bool // standard output is a terminal

	json  bool // the flag --json; parsed before the subcommand begins
	began bool // the subcommand has begun, so its flags and arguments have the right form
}

func newStreams(stdin io.Reader, stdout, stderr io.Writer) *streams {
	return &streams{ctx: context.Background(), stdin: stdin, stdout: stdout, stderr: stderr, progress: newProgress(stderr)}
}

// print writes text to standard output. It does nothing with --json.
func (c *streams) print(text string) error {
	if c.json {
		return nil
	}
	c.progress.clear()
	return c.write([]byte(text))
}

// encode writes document to standard output as JSON. It does nothing without --json.
func (c *streams) encode(document any) error {
	if !c.json {
		return nil
	}
	c.progress.clear()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	if err := e.Encode(document); err != nil {
		return err
	}
	return c.write(b.Bytes())
}

// write writes to standard output. If that blocks and the command is interrupted, write returns
// the context's error after outputGrace.
func (c *streams) write(output []byte) error {
	return interruptible(c.ctx, outputGrace, func() error {
		_, err := c.stdout.Write(output)
		return err
	})
}

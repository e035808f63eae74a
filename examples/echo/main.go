package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"
)

// These are the values of -mode.
const (
	modeTask      = "task"
	modeGoroutine = "goroutine"
	modeBoth      = "both"
)

// options are the values of the flags.
type options struct {
	conns, active, echoes, buffer int
	mode                          string
	json                          bool
}

// parse parses the command line. On an error it has written the usage to output.
func parse(args []string, output io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("echo", flag.ContinueOnError)
	flags.SetOutput(output)
	flags.IntVar(&o.conns, "conns", 20_000, "connections")
	flags.StringVar(&o.mode, "mode", modeBoth, "task, goroutine or both")
	flags.IntVar(&o.active, "active", 16, "goroutines of the clients that send messages under load")
	flags.IntVar(&o.echoes, "echoes", 200_000, "messages sent under load")
	flags.IntVar(&o.buffer, "buffer", 4096, "size of a buffer in bytes")
	flags.BoolVar(&o.json, "json", false, "report in JSON")
	if err := flags.Parse(args); err != nil {
		return options{}, err
	}
	if min(o.conns, o.active, o.echoes, o.buffer) < 1 || flags.NArg() > 0 ||
		o.mode != modeTask && o.mode != modeGoroutine && o.mode != modeBoth {
		flags.Usage()
		return options{}, errors.New("numbers must be at least 1, -mode must be task, goroutine or both, and there are no arguments")
	}
	return o, nil
}

// args returns the command line for which parse returns o, without the mode.
func (o options) args() []string {
	return []string{
		"-conns", strconv.Itoa(o.conns), "-active", strconv.Itoa(o.active),
		"-echoes", strconv.Itoa(o.echoes), "-buffer", strconv.Itoa(o.buffer),
	}
}

func main() {
	if err := runRole(os.Getenv(roleVariable), os.Args[1:]); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "echo:", err)
		os.Exit(1)
	}
}

// runRole is main in each of the processes.
func runRole(role string, args []string) error {
	if role == roleClient {
		return clientMain(os.Getenv(addressVariable), os.Stdin, os.Stdout)
	}
	o, err := parse(args, os.Stderr)
	if err != nil {
		return err
	}
	if role == roleServer {
		r, err := measure(o)
		if err != nil {
			return err
		}
		return json.NewEncoder(os.Stdout).Encode(r)
	}
	return run(o, os.Stdout)
}

// run measures the servers, each in a process of its own, and reports.
func run(o options, out io.Writer) error {
	modes := []string{o.mode}
	if o.mode == modeBoth {
		modes = []string{modeTask, modeGoroutine}
	}
	var rows []row
	for _, mode := range modes {
		r, err := measureApart(mode, o)
		if err != nil {
			return err
		}
		rows = append(rows, r)
	}
	if o.json {
		e := json.NewEncoder(out)
		e.SetIndent("", "  ")
		return e.Encode(rows)
	}
	return show(rows, o, out)
}

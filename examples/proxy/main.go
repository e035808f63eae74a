package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/netio"
	"github.com/framearena/framearena/task"
)

// options are the flags.
type options struct {
	listen, target string
	limit          int           // of connections at a time
	idle           time.Duration // that a connection may be silent
	dial           time.Duration // that the target may take to accept
	grace          time.Duration // for the connections that are open at the end
}

// parse parses the command line. If there is an error, it has written the usage to output.
func parse(args []string, output io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("proxy", flag.ContinueOnError)
	flags.SetOutput(output)
	flags.StringVar(&o.listen, "listen", "127.0.0.1:7000", "address to listen at")
	flags.StringVar(&o.target, "target", "127.0.0.1:8080", "address to connect to")
	flags.IntVar(&o.limit, "limit", 10_000, "number of connections at a time; more wait in the system")
	flags.DurationVar(&o.idle, "idle", 5*time.Minute, "end a connection after this time of silence")
	flags.DurationVar(&o.dial, "dial", 5*time.Second, "give up a connection to the target after this time")
	flags.DurationVar(&o.grace, "grace", 10*time.Second, "time for open connections to end after a signal")
	if err := flags.Parse(args); err != nil {
		return options{}, err
	}
	if o.limit < 1 || min(o.idle, o.dial, o.grace) <= 0 || flags.NArg() > 0 {
		flags.Usage()
		return options{}, errors.New("-limit and times must be positive, and there are no arguments")
	}
	return o, nil
}

func main() {
	o, err := parse(os.Args[1:], os.Stderr)
	if err == nil {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		context.AfterFunc(ctx, stop) // so that a second signal ends the process
		err = run(ctx, o, os.Stdout, func(*proxy) {})
	}
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "proxy:", err)
		os.Exit(1)
	}
}

// errStopped is why connections end that are open after the time -grace.
var errStopped = errors.New("the proxy stops")

// run is a proxy until ctx ends, and prints its counts. It calls ready when the proxy listens.
func run(ctx context.Context, o options, out io.Writer, ready func(*proxy)) (err error) {
	pool := executor.NewPool()
	defer func() { err = errors.Join(err, pool.Close()) }()
	n, err := netio.Open(pool)
	if err != nil {
		return fmt.Errorf("open a poller: %w", err)
	}
	defer func() { err = errors.Join(err, n.Close()) }()
	p, err := newProxy(ctx, n, o)
	if err != nil {
		return err
	}
	served, err := task.Start(pool, task.Do0(p.serve))
	if err != nil {
		return fmt.Errorf("start to serve: %w", err)
	}
	fmt.Fprintf(out, "%v is passed on to %s\n", p.listener.Addr(), o.target)
	ready(p)

	if _, err := served.WaitContext(ctx); ctx.Err() == nil {
		return err // it cannot serve
	}
	closed := p.listener.Close()
	grace, cancel := context.WithTimeout(context.Background(), o.grace)
	defer cancel()
	_, err = served.WaitContext(grace)
	if grace.Err() != nil {
		served.Cancel(errStopped)
		_, err = served.WaitContext(context.Background()) // soon: what waits returns errStopped
		if errors.Is(err, errStopped) {
			err = nil
		}
	}
	fmt.Fprintln(out, &p.counts)
	return errors.Join(err, closed)
}

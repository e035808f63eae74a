package main

import (
	"context"
	"crypto/tls"
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
	listen    string
	cert, key string // files in PEM, or empty: no TLS
	limit     int    // of connections at a time
	message   int    // the longest message, in bytes
	queue     int    // how many frames may wait for one member

	handshake, receive, ping, closing time.Duration // see doc.go
}

// parse parses the command line. If there is an error, it has written the usage to output.
func parse(args []string, output io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("websocket", flag.ContinueOnError)
	flags.SetOutput(output)
	flags.StringVar(&o.listen, "listen", "127.0.0.1:8080", "address to listen at")
	flags.StringVar(&o.cert, "cert", "", "file with a certificate, for TLS")
	flags.StringVar(&o.key, "key", "", "file with the key of the certificate")
	flags.IntVar(&o.limit, "limit", 100_000, "number of connections at a time; more wait in the system")
	flags.IntVar(&o.message, "message", 4096, "longest message in bytes")
	flags.IntVar(&o.queue, "queue", 64, "number of frames that may wait for a member; one with more is dropped")
	flags.DurationVar(&o.handshake, "handshake", 10*time.Second, "time for TLS and the upgrade")
	flags.DurationVar(&o.receive, "receive", 10*time.Second, "time for the rest of a message that has begun")
	flags.DurationVar(&o.ping, "ping", 30*time.Second, "silence until a ping, and from the ping until the member is dropped")
	flags.DurationVar(&o.closing, "closing", 5*time.Second, "time for the end of a connection")
	if err := flags.Parse(args); err != nil {
		return options{}, err
	}
	if min(o.limit, o.message, o.queue) < 1 || min(o.handshake, o.receive, o.ping, o.closing) <= 0 ||
		(o.cert == "") != (o.key == "") || flags.NArg() > 0 {
		flags.Usage()
		return options{}, errors.New("numbers and times must be positive, -cert needs -key, and there are no arguments")
	}
	return o, nil
}

func main() {
	o, err := parse(os.Args[1:], os.Stderr)
	if err == nil {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		context.AfterFunc(ctx, stop) // so that a second signal ends the process
		err = run(ctx, o, os.Stdout, func(*server) {})
	}
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "websocket:", err)
		os.Exit(1)
	}
}

// errStopped is why sessions end that are left after the time -closing.
var errStopped = errors.New("the server stops")

// run serves until ctx ends. It calls ready when the server listens.
func run(ctx context.Context, o options, out io.Writer, ready func(*server)) (err error) {
	var config *tls.Config
	if o.cert != "" {
		cert, err := tls.LoadX509KeyPair(o.cert, o.key)
		if err != nil {
			return fmt.Errorf("load the certificate: %w", err)
		}
		config = &tls.Config{Certificates: []tls.Certificate{cert}}
	}
	pool := executor.NewPool()
	defer func() { err = errors.Join(err, pool.Close()) }()
	n, err := netio.Open(pool, netio.WithHandshakeTimeout(o.handshake))
	if err != nil {
		return fmt.Errorf("open a poller: %w", err)
	}
	defer func() { err = errors.Join(err, n.Close()) }()
	l, err := n.Listen(ctx, "tcp", o.listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	s := newServer(n, l, config, o)
	served, err := task.Start(pool, task.Do0(s.serve))
	if err != nil {
		return fmt.Errorf("start to serve: %w", err)
	}
	fmt.Fprintln(out, "chat at", l.Addr())
	ready(s)

	if _, err := served.WaitContext(ctx); ctx.Err() == nil {
		return err // it cannot serve
	}
	closed := l.Close()
	s.rooms.close()
	closing, cancel := context.WithTimeout(context.Background(), o.closing)
	defer cancel()
	_, err = served.WaitContext(closing)
	if closing.Err() != nil {
		served.Cancel(errStopped)
		_, err = served.WaitContext(context.Background()) // soon: what waits returns errStopped
		if errors.Is(err, errStopped) {
			err = nil
		}
	}
	fmt.Fprintln(out, &s.counts)
	return errors.Join(err, closed)
}

package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

// show writes rows as a table.
func show(rows []row, o options, out io.Writer) error {
	fmt.Fprintf(out, "An echo server with %d connections: first all of them idle, then %d active at a time.\n\n", rows[0].Conns, o.active)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "for each connection a\tmemory each\truntime.GC()\techo p50\tp99\techoes/s\t")
	for _, r := range rows {
		fmt.Fprintf(w, "%s\t%d B\t%v\t%v\t%v\t%d\t\n", r.Mode, r.BytesPerConn,
			r.GC.Round(10*time.Microsecond), r.P50.Round(time.Microsecond), r.P99.Round(time.Microsecond), r.EchoesASecond)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(out, "\nA task takes a buffer of %d bytes when there is something to read; a goroutine has one all the time.\n", o.buffer)
	if r := rows[0]; r.LimitedTo > 0 {
		fmt.Fprintf(out, "-conns is %d, but on this system there can be at most %d.\n", o.conns, r.LimitedTo)
	}
	return nil
}

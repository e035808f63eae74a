package tasks

import (
	"maps"
	"strings"
)

// doInBlock is what to use instead of what has no counterpart.
const doInBlock = "task.Block with a function that does it"

// copiers has functions that block if one of their first arguments is of connections, and how many these are.
var copiers = map[string]int{
	"io.Copy": 2, "io.CopyN": 2, "io.CopyBuffer": 2,
	"io.ReadAll": 1, "io.ReadFull": 1, "io.ReadAtLeast": 1, "io.WriteString": 1,
	"fmt.Fprint": 1, "fmt.Fprintf": 1, "fmt.Fprintln": 1, "fmt.Fscan": 1, "fmt.Fscanf": 1, "fmt.Fscanln": 1,
}

// connections has the types that are read from and written to, where that blocks.
var connections = map[string]bool{
	"net.Conn": true, "net.TCPConn": true, "net.UDPConn": true, "net.UnixConn": true, "net.IPConn": true,
	"crypto/tls.Conn": true, "os.File": true,
}

// blockers has the functions and methods that are known to block, by their full names, and what to use
// instead. A method of an embedded type has the name of that type.
var blockers = findBlockers()

func findBlockers() map[string]string {
	const framearena = "github.com/framearena/framearena/"
	found := map[string]string{
		"time.Sleep":             "t.Sleep",
		"(*sync.WaitGroup).Wait": "task.WaitGroup, or a task.Group",
		"(*sync.Cond).Wait":      "task.Cond",

		"(*golang.org/x/sync/errgroup.Group).Wait":        "a task.Group",
		"(*golang.org/x/sync/semaphore.Weighted).Acquire": "task.Semaphore",

		framearena + "task.Run":                          "a call of the function itself, with t",
		framearena + "coro.Run":                          "task.Await",
		"(" + framearena + "task.Handle[R]).WaitContext": "its method Wait",
	}
	maps.Copy(found, methods(doInBlock, inputOutput))
	return found
}

// methods returns a map of full names to what to use instead, from one of what stands before the names.
func methods(instead string, names map[string]string) map[string]string {
	all := make(map[string]string)
	for of, names := range names {
		for name := range strings.FieldsSeq(names) {
			all[of+name] = instead
		}
	}
	return all
}

// inputOutput has what waits for the network, files or other processes.
var inputOutput = map[string]string{
	"net.":                 "Dial DialTimeout DialTCP DialUDP DialUnix DialIP LookupAddr LookupCNAME LookupHost LookupIP LookupMX LookupNS LookupPort LookupSRV LookupTXT",
	"(*net.Dialer).":       "Dial DialContext DialTCP DialUDP DialUnix DialIP",
	"(*net.Resolver).":     "LookupAddr LookupCNAME LookupHost LookupIP LookupIPAddr LookupMX LookupNS LookupNetIP LookupPort LookupSRV LookupTXT",
	"(net.Conn).":          "Read Write",
	"(*net.conn).":         "Read Write",
	"(net.PacketConn).":    "ReadFrom WriteTo",
	"(net.Listener).":      "Accept",
	"(*net.TCPConn).":      "ReadFrom WriteTo",
	"(*net.TCPListener).":  "Accept AcceptTCP",
	"(*net.UnixListener).": "Accept AcceptUnix",
	"(*net.UDPConn).":      "ReadFrom ReadFromUDP ReadFromUDPAddrPort ReadMsgUDP ReadMsgUDPAddrPort WriteTo WriteToUDP WriteToUDPAddrPort WriteMsgUDP WriteMsgUDPAddrPort",
	"(*net.UnixConn).":     "ReadFrom ReadFromUnix ReadMsgUnix WriteTo WriteToUnix WriteMsgUnix",
	"(*net.IPConn).":       "ReadFrom ReadFromIP ReadMsgIP WriteTo WriteToIP WriteMsgIP",

	"crypto/tls.":           "Dial DialWithDialer",
	"(*crypto/tls.Dialer).": "Dial DialContext",
	"(*crypto/tls.Conn).":   "Read Write Handshake HandshakeContext",

	"net/http.":                "Get Head Post PostForm ListenAndServe ListenAndServeTLS Serve ServeTLS",
	"(*net/http.Client).":      "Do Get Head Post PostForm",
	"(net/http.RoundTripper).": "RoundTrip",
	"(*net/http.Transport).":   "RoundTrip",
	"(*net/http.Server).":      "ListenAndServe ListenAndServeTLS Serve ServeTLS Shutdown",

	"os.":             "ReadFile WriteFile",
	"(*os.File).":     "Read ReadAt ReadFrom Write WriteAt WriteString WriteTo Sync",
	"(*os.Process).":  "Wait",
	"(*os/exec.Cmd).": "Run Wait Output CombinedOutput",

	"(*database/sql.DB).":   "Begin BeginTx Conn Exec ExecContext Ping PingContext Prepare PrepareContext Query QueryContext QueryRow QueryRowContext",
	"(*database/sql.Conn).": "BeginTx ExecContext PingContext PrepareContext QueryContext QueryRowContext",
	"(*database/sql.Tx).":   "Commit Exec ExecContext Prepare PrepareContext Query QueryContext QueryRow QueryRowContext Rollback",
	"(*database/sql.Stmt).": "Exec ExecContext Query QueryContext QueryRow QueryRowContext",
}

package tasks

import "strings"

// blockers has the functions and methods of the standard library that are known to block, by their full
// names, and what to use instead. A method of an embedded type has the name of that type.
var blockers = make(map[string]string)

func init() {
	blockers["time.Sleep"] = "t.Sleep"
	blockers["(*sync.WaitGroup).Wait"] = "task.WaitGroup, or a task.Group"
	blockers["(*sync.Cond).Wait"] = "task.Cond"
	const block = "task.Block with a function that does it"
	for of, names := range map[string]string{
		"net.":                     "Dial DialTimeout DialTCP DialUDP DialUnix DialIP LookupAddr LookupCNAME LookupHost LookupIP LookupMX LookupNS LookupPort LookupSRV LookupTXT",
		"(*net.Dialer).":           "Dial DialContext DialTCP DialUDP DialUnix DialIP",
		"(*net.Resolver).":         "LookupAddr LookupCNAME LookupHost LookupIP LookupIPAddr LookupMX LookupNS LookupNetIP LookupPort LookupSRV LookupTXT",
		"(net.Conn).":              "Read Write",
		"(*net.conn).":             "Read Write",
		"(net.PacketConn).":        "ReadFrom WriteTo",
		"(net.Listener).":          "Accept",
		"(*net.TCPConn).":          "ReadFrom WriteTo",
		"(*net.TCPListener).":      "Accept AcceptTCP",
		"(*net.UnixListener).":     "Accept AcceptUnix",
		"(*net.UDPConn).":          "ReadFrom ReadFromUDP ReadFromUDPAddrPort ReadMsgUDP ReadMsgUDPAddrPort WriteTo WriteToUDP WriteToUDPAddrPort WriteMsgUDP WriteMsgUDPAddrPort",
		"(*net.UnixConn).":         "ReadFrom ReadFromUnix ReadMsgUnix WriteTo WriteToUnix WriteMsgUnix",
		"(*net.IPConn).":           "ReadFrom ReadFromIP ReadMsgIP WriteTo WriteToIP WriteMsgIP",
		"crypto/tls.":              "Dial DialWithDialer",
		"(*crypto/tls.Dialer).":    "Dial DialContext",
		"(*crypto/tls.Conn).":      "Read Write Handshake HandshakeContext",
		"net/http.":                "Get Head Post PostForm ListenAndServe ListenAndServeTLS Serve ServeTLS",
		"(*net/http.Client).":      "Do Get Head Post PostForm",
		"(net/http.RoundTripper).": "RoundTrip",
		"(*net/http.Transport).":   "RoundTrip",
		"(*net/http.Server).":      "ListenAndServe ListenAndServeTLS Serve ServeTLS Shutdown",
		"os.":                      "ReadFile WriteFile",
		"(*os.File).":              "Read ReadAt ReadFrom Write WriteAt WriteString WriteTo Sync",
		"(*os.Process).":           "Wait",
		"(*os/exec.Cmd).":          "Run Wait Output CombinedOutput",
	} {
		for name := range strings.FieldsSeq(names) {
			blockers[of+name] = block
		}
	}
}

package netio

import (
	"net"
	"net/netip"
	"strconv"
	"sync"
	"time"
)

// zones has the names of network interfaces by their numbers, and the other way. Addresses that are
// valid on one link have a zone; the system has a number where netip has a name. To ask the system for
// each datagram would take longer than to send it. A name may come to be another interface's, so none is
// kept for longer than a minute.
var zones struct {
	mu      sync.Mutex
	since   time.Time         // guarded by mu, as what follows
	names   map[uint32]string // each may be nil
	numbers map[string]uint32
}

const zonesAge = time.Minute

// refreshZones forgets what is too old. The caller holds the lock.
func refreshZones() {
	if now := time.Now(); zones.names == nil || now.Sub(zones.since) > zonesAge {
		zones.since = now
		zones.names, zones.numbers = make(map[uint32]string), make(map[string]uint32)
	}
}

// withZone returns an address with the zone of a number, which may be 0.
func withZone(ip netip.Addr, number uint32) netip.Addr {
	if number == 0 || !ip.Is6() {
		return ip
	}
	zones.mu.Lock()
	defer zones.mu.Unlock()
	refreshZones()
	name, known := zones.names[number]
	if !known {
		name = strconv.FormatUint(uint64(number), 10)
		if i, err := net.InterfaceByIndex(int(number)); err == nil {
			name = i.Name
		}
		zones.names[number] = name
	}
	return ip.WithZone(name)
}

// zoneNumber returns the number of an address's zone, or 0.
func zoneNumber(ip netip.Addr) uint32 {
	zone := ip.Zone()
	if zone == "" {
		return 0
	}
	zones.mu.Lock()
	defer zones.mu.Unlock()
	refreshZones()
	number, known := zones.numbers[zone]
	if !known {
		if i, err := net.InterfaceByName(zone); err == nil {
			number = uint32(i.Index)
		} else if n, err := strconv.ParseUint(zone, 10, 32); err == nil {
			number = uint32(n)
		}
		zones.numbers[zone] = number
	}
	return number
}

// Package machine describes the machine that figures are from.
package machine

import (
	"context"
	"os"
	"runtime"
	"strconv"
	"strings"
)

// Machine is what a reader of figures wants to know.
type Machine struct {
	CPU     string `json:"cpu"`
	CPUs    int    `json:"cpus"` // that this process may use
	Virtual bool   `json:"virtual"`
	Memory  uint64 `json:"memory_bytes"` // 0 if the system does not say
	System  string `json:"system"`
	Kernel  string `json:"kernel"`
	Go      string `json:"go"`
	Procs   int    `json:"gomaxprocs"`

	// Versions are those of compilers and of allocators in C, by title.
	Versions map[string]string `json:"versions"`

	// Loads are the one-minute load averages before the run and after each round, in
	// which the run itself counts. Empty if the system does not say.
	Loads []float64 `json:"load_averages"`
}

// versioner says which compilers and libraries there are.
type versioner interface {
	Versions(context.Context) map[string]string
}

// Describe describes this machine.
func Describe(ctx context.Context, v versioner) Machine {
	cpu := read("/proc/cpuinfo")
	m := Machine{
		CPU:      field(cpu, "model name"),
		CPUs:     runtime.NumCPU(),
		Virtual:  strings.Contains(" "+field(cpu, "flags")+" ", " hypervisor "),
		Memory:   kibibytes(field(read("/proc/meminfo"), "MemTotal")),
		System:   strings.Trim(assigned(read("/etc/os-release"), "PRETTY_NAME"), `"`),
		Kernel:   strings.TrimSpace(read("/proc/sys/kernel/osrelease")),
		Go:       runtime.Version(),
		Procs:    runtime.GOMAXPROCS(0),
		Versions: v.Versions(ctx),
	}
	if m.CPU == "" {
		m.CPU = runtime.GOARCH
	}
	if m.System == "" {
		m.System = runtime.GOOS
	}
	m.AddLoad()
	return m
}

// AddLoad adds the load average of now.
func (m *Machine) AddLoad() {
	first, _, _ := strings.Cut(read("/proc/loadavg"), " ")
	if load, err := strconv.ParseFloat(first, 64); err == nil {
		m.Loads = append(m.Loads, load)
	}
}

// Available returns how many bytes of memory programs can have now; false if the system
// does not say.
func Available() (bytes uint64, ok bool) {
	bytes = kibibytes(field(read("/proc/meminfo"), "MemAvailable"))
	return bytes, bytes > 0
}

// read returns a file's text, and nothing if there is no such file: other systems than
// Linux have none of these.
func read(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return string(text)
}

// field returns the value of the first "name: value".
func field(text, name string) string {
	for line := range strings.Lines(text) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// assigned returns the value of the first "name=value".
func assigned(text, name string) string {
	for line := range strings.Lines(text) {
		if key, value, ok := strings.Cut(line, "="); ok && key == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// kibibytes returns the bytes of "123 kB".
func kibibytes(s string) uint64 {
	n, err := strconv.ParseUint(strings.TrimSuffix(s, " kB"), 10, 64)
	if err != nil {
		return 0
	}
	return n << 10
}

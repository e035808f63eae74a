// Package machine describes the machine on which figures were measured.
package machine

import (
	"context"
	"os"
	"runtime"
	"strconv"
	"strings"
)

// Machine describes a machine for the reader of figures.
type Machine struct {
	CPU     string `json:"cpu"`
	CPUs    int    `json:"cpus"` // that this process may use
	Virtual bool   `json:"virtual"`
	Memory  uint64 `json:"memory_bytes"` // 0 if the system does not report it
	System  string `json:"system"`
	Kernel  string `json:"kernel"`
	Go      string `json:"go"`
	Procs   int    `json:"gomaxprocs"`

	// Versions has the versions of compilers and of allocators in C, by title.
	Versions map[string]string `json:"versions"`

	// Loads are the one-minute load averages before the run and after each round. They
	// include the load of the run itself. Empty if the system does not report it.
	Loads []float64 `json:"load_averages"`
}

// versioner returns the versions of compilers and libraries.
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

// AddLoad adds the current load average.
func (m *Machine) AddLoad() {
	first, _, _ := strings.Cut(read("/proc/loadavg"), " ")
	if load, err := strconv.ParseFloat(first, 64); err == nil {
		m.Loads = append(m.Loads, load)
	}
}

// Available returns how many bytes of memory programs can allocate now. ok is false if the
// system does not report it.
func Available() (bytes uint64, ok bool) {
	bytes = kibibytes(field(read("/proc/meminfo"), "MemAvailable"))
	return bytes, bytes > 0
}

// read returns the text of a file, or "" if there is no such file: only Linux has these files.
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

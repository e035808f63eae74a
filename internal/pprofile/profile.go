// Package pprofile writes profiles in the format of go tool pprof: the protocol buffer
// message that profile.proto of github.com/google/pprof defines, compressed with gzip. It
// writes the fields that profiles of this module need, without a dependency.
package pprofile

import (
	"compress/gzip"
	"fmt"
	"io"
	"time"
)

// ValueType describes a value that each sample has: what it counts, and the unit.
type ValueType struct{ Type, Unit string }

// Frame is a place in the stack of a sample. Equal frames are one location in the profile.
type Frame struct {
	Function string
	File     string
	Line     int
}

// Label is a key and a value of a sample. Users of pprof select samples by their labels.
type Label struct{ Key, Value string }

// Profile collects samples. It belongs to one goroutine at a time.
type Profile struct {
	message   message // everything so far except for the strings
	strings   table[string]
	functions table[function]
	locations table[Frame]
}

type function struct{ name, file string }

// New returns an empty profile that was taken at the given time. Each sample has one value
// for each of values, of which there is at least one. pprof shows the first by default.
func New(at time.Time, values ...ValueType) *Profile {
	p := new(Profile)
	p.strings.number("") // the format requires that the first string is empty
	for _, v := range values {
		p.message.submessage(profileSampleType, p.valueType(v))
	}
	p.message.number(profileTime, uint64(at.UnixNano()))
	p.message.number(profileDefaultSampleType, p.strings.number(values[0].Type))
	return p
}

// Add adds a sample. stack begins with the innermost frame. There must be as many values as
// New was given, in the same order.
func (p *Profile) Add(stack []Frame, labels []Label, values ...int64) {
	var sample, ids, packed message
	for _, f := range stack {
		ids.varint(p.location(f))
	}
	for _, v := range values {
		packed.varint(uint64(v))
	}
	sample.submessage(sampleLocation, ids)
	sample.submessage(sampleValue, packed)
	for _, l := range labels {
		var label message
		label.number(labelKey, p.strings.number(l.Key))
		label.number(labelString, p.strings.number(l.Value))
		sample.submessage(sampleLabel, label)
	}
	p.message.submessage(profileSample, sample)
}

// Write writes the profile to w. The profile must not be used afterwards. An error wraps
// that of w.
func (p *Profile) Write(w io.Writer) error {
	for _, s := range p.strings.all {
		p.message.submessage(profileString, message(s))
	}
	z := gzip.NewWriter(w)
	if _, err := z.Write(p.message); err != nil {
		return fmt.Errorf("pprofile: %w", err)
	}
	if err := z.Close(); err != nil {
		return fmt.Errorf("pprofile: %w", err)
	}
	return nil
}

func (p *Profile) valueType(v ValueType) (m message) {
	m.number(valueTypeType, p.strings.number(v.Type))
	m.number(valueTypeUnit, p.strings.number(v.Unit))
	return m
}

// location returns the ID of a frame's location. It adds the location to the profile if
// there is none yet.
func (p *Profile) location(f Frame) uint64 {
	if n, ok := p.locations.numbers[f]; ok {
		return n + 1 // the ID 0 is not allowed
	}
	var line, m message
	line.number(lineFunction, p.function(function{f.Function, f.File}))
	line.number(lineLine, uint64(f.Line))
	id := p.locations.number(f) + 1
	m.number(locationID, id)
	m.submessage(locationLine, line)
	p.message.submessage(profileLocation, m)
	return id
}

// function returns the ID of a function. It adds the function to the profile if it is new.
func (p *Profile) function(f function) uint64 {
	if n, ok := p.functions.numbers[f]; ok {
		return n + 1
	}
	id := p.functions.number(f) + 1
	var m message
	m.number(functionID, id)
	m.number(functionName, p.strings.number(f.name))
	m.number(functionSystemName, p.strings.number(f.name))
	m.number(functionFile, p.strings.number(f.file))
	p.message.submessage(profileFunction, m)
	return id
}

// table numbers distinct values from 0, in the order of their first use.
type table[K comparable] struct {
	numbers map[K]uint64
	all     []K
}

// number returns the number of k, which it adds if it is new.
func (t *table[K]) number(k K) uint64 {
	n, ok := t.numbers[k]
	if !ok {
		if t.numbers == nil {
			t.numbers = make(map[K]uint64)
		}
		n = uint64(len(t.all))
		t.numbers[k] = n
		t.all = append(t.all, k)
	}
	return n
}

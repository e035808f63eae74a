// Package pprofile writes profiles in the format that go tool pprof reads: gzip over
// the protocol buffer message that profile.proto of github.com/google/pprof defines.
// It has what profiles of this module need, and is no dependency.
package pprofile

import (
	"compress/gzip"
	"fmt"
	"io"
	"time"
)

// ValueType says what a sample's value is.
type ValueType struct{ Type, Unit string }

// Frame is a place in a stack. Frames that are equal are one to pprof.
type Frame struct {
	Function string
	File     string
	Line     int
}

// Label is what a sample can be selected by.
type Label struct{ Key, Value string }

// Profile is a profile that is being made. It belongs to one goroutine.
type Profile struct {
	message   message // all that was added so far
	strings   table[string]
	functions table[function]
	locations table[Frame]
}

type function struct{ name, file string }

// New returns a profile of samples with such values. pprof shows the first unless it is
// told otherwise.
func New(at time.Time, values ...ValueType) *Profile {
	p := new(Profile)
	p.strings.number("") // the first string is the empty one
	for _, v := range values {
		p.message.submessage(profileSampleType, p.valueType(v))
	}
	p.message.number(profileTime, uint64(at.UnixNano()))
	p.message.number(profileDefaultSampleType, p.strings.number(values[0].Type))
	return p
}

// Add adds a sample. The stack begins with the innermost frame. There are as many values
// as New was told of.
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

// Write writes the profile. It is done with after that.
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

// location returns the number of a frame's location, which it adds first if need be.
func (p *Profile) location(f Frame) uint64 {
	if n, ok := p.locations.numbers[f]; ok {
		return n + 1 // 0 is none
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

// table numbers values, from 0, in the order in which they come.
type table[K comparable] struct {
	numbers map[K]uint64
	all     []K
}

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

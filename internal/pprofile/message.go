package pprofile

import "encoding/binary"

// message is an encoded protocol buffer message. Its methods append fields to it.
type message []byte

// These are the numbers of the fields of profile.proto that this package writes.
const (
	profileSampleType        = 1
	profileSample            = 2
	profileLocation          = 4
	profileFunction          = 5
	profileString            = 6
	profileTime              = 9
	profileDefaultSampleType = 14

	valueTypeType = 1
	valueTypeUnit = 2

	sampleLocation = 1
	sampleValue    = 2
	sampleLabel    = 3

	labelKey    = 1
	labelString = 2

	locationID   = 1
	locationLine = 4

	lineFunction = 1
	lineLine     = 2

	functionID         = 1
	functionName       = 2
	functionSystemName = 3
	functionFile       = 4
)

// varint appends a number without a field.
func (m *message) varint(n uint64) { *m = binary.AppendUvarint(*m, n) }

// number appends a field with a number. It appends nothing for 0, which is the value of a
// missing field.
func (m *message) number(field int, n uint64) {
	const wireVarint = 0
	if n != 0 {
		m.varint(uint64(field)<<3 | wireVarint)
		m.varint(n)
	}
}

// submessage appends a field with bytes: a message, a string, or packed numbers.
func (m *message) submessage(field int, bytes message) {
	const wireBytes = 2
	m.varint(uint64(field)<<3 | wireBytes)
	m.varint(uint64(len(bytes)))
	*m = append(*m, bytes...)
}

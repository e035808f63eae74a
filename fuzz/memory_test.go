package fuzz

import (
	"slices"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
)

func TestMemoryReportsToAnyTest(t *testing.T) {
	for name, misuse := range map[string]func(*Memory){
		"leak": func(m *Memory) { m.Allocate(10) },
		"guard": func(m *Memory) {
			p := m.Allocate(10)
			*(*byte)(unsafe.Add(p, 10)) = 1
			m.Deallocate(p, 10)
		},
		"size": func(m *Memory) { m.Deallocate(m.Allocate(10), 11) },
	} {
		s := &fakeTBWithCleanups{fakeTB: fakeTB{TB: t}}
		m := NewMemory(s)
		misuse(m)
		for _, f := range slices.Backward(s.cleanups) {
			f()
		}
		require.True(t, s.failed, name)
	}
	s := &fakeTBWithCleanups{fakeTB: fakeTB{TB: t}}
	m := NewMemory(s)
	p := m.Allocate(10)
	require.Zero(t, uintptr(p)%16)
	require.Equal(t, 1, m.Live())
	require.EqualValues(t, 10, m.Bytes())
	m.Deallocate(p, 10)
	require.Zero(t, m.Live())
	require.Zero(t, m.Bytes())
	require.Nil(t, m.Allocate(^uintptr(0)))
	s.cleanups[0]()
	require.False(t, s.failed)
}

type fakeTBWithCleanups struct {
	fakeTB
	cleanups []func()
}

func (m *fakeTBWithCleanups) Cleanup(f func()) { m.cleanups = append(m.cleanups, f) }

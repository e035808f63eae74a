package netio

import (
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// The name of a unix listener goes with it, unless it is another one's.
func TestSocketFile(t *testing.T) {
	n := open(t)
	path := filepath.Join(t.TempDir(), "s")
	listenAt := func(n *Net) *Listener {
		l, err := n.Listen(t.Context(), "unix", path)
		require.NoError(t, err)
		require.FileExists(t, path)
		return l
	}
	for range 3 { // the name is free again
		l := listenAt(n)
		require.NoError(t, l.Close())
		require.NoFileExists(t, path)
		require.ErrorIs(t, l.Close(), net.ErrClosed)
	}

	first := listenAt(n)
	_, err := n.Listen(t.Context(), "unix", path)
	require.ErrorIs(t, err, errInUse)
	require.NoError(t, os.Remove(path))
	second := listenAt(n)
	require.NoError(t, first.Close())
	require.FileExists(t, path)
	require.ErrorIs(t, first.Close(), net.ErrClosed)
	peer, err := net.Dial("unix", path)
	require.NoError(t, err)
	require.NoError(t, peer.Close())
	require.NoError(t, second.Close())
	require.NoFileExists(t, path)

	gone := listenAt(n)
	require.NoError(t, os.Remove(path))
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	require.NoError(t, gone.Close())
	require.FileExists(t, path)
	require.NoError(t, os.Remove(path))

	listenAt(n)
	require.NoError(t, n.Close())
	require.NoFileExists(t, path)
	_, err = n.Listen(t.Context(), "unix", path)
	require.ErrorIs(t, err, net.ErrClosed)
	require.NoFileExists(t, path)
}

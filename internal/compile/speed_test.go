package compile

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// unitOfLines is a piece of a package: 50 lines with what task functions usually have. %[1]d is its number.
const unitOfLines = `
type store%[1]d struct {
	mu    sync.Mutex
	names map[string]int
	next  *store%[1]d
}

func (s *store%[1]d) add(t *task.T, name string, n int) (sum int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range n {
		k, err := wait%[1]d(t, i, name)
		if err != nil {
			return sum, fmt.Errorf("%%s: %%w", name, err)
		}
		sum += k
	}
	s.names[name] = sum
	if s.next != nil && sum > 0 {
		more, err := s.next.add(t, name, n/2)
		return sum + more, err
	}
	return sum, nil
}

func wait%[1]d(t *task.T, n int, name string) (int, error) {
	switch {
	case n == 0:
		return len(name), t.Yield()
	case n%%2 == 0:
		if err := t.Sleep(time.Millisecond); err != nil {
			return 0, err
		}
		return n, nil
	}
	return wait%[1]d(t, n/2, name)
}

func all%[1]d(t *task.T, stores []*store%[1]d) (total int, err error) {
	var g task.Group
	sums := make([]int, len(stores))
	for i, s := range stores {
		g.Go(t, func(t *task.T) (err error) {
			sums[i], err = s.add(t, fmt.Sprint(i), i)
			return err
		})
	}
	if err := g.Wait(t); err != nil {
		return 0, err
	}
	for _, n := range sums {
		total += n
	}
	return total, nil
}
`

// BenchmarkCompile compiles a package of 10,000 lines that is loaded.
func BenchmarkCompile(b *testing.B) {
	dir, err := os.MkdirTemp("testdata", "lines")
	require.NoError(b, err)
	defer os.RemoveAll(dir)
	const files, units = 10, 20
	number := 0
	for f := range files {
		var src strings.Builder
		src.WriteString("package lines\n\nimport (\n\t\"fmt\"\n\t\"sync\"\n\t\"time\"\n\n\t\"github.com/framearena/framearena/task\"\n)\n")
		for range units {
			fmt.Fprintf(&src, unitOfLines, number)
			number++
		}
		require.NoError(b, os.WriteFile(filepath.Join(dir, fmt.Sprintf("lines%d.go", f)), []byte(src.String()), 0o644))
	}
	c := Config{Patterns: []string{"./" + dir}}
	pkgs, fset, err := c.load()
	require.NoError(b, err)
	for b.Loop() {
		diag := &diagnostics{fset: fset}
		outputs, err := newUnit(pkgs[0], fset, diag, &Config{}).compile(func(string) bool { return false })
		require.NoError(b, err)
		require.Empty(b, diag.all)
		require.Len(b, outputs, files)
	}
}

package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// seed is the headings of Boost.Capy's page on frame allocators, in their order.
var seed = []string{
	"Frame Allocators", "Default Allocation", "Frame Recycling", "How It Works", "Propagation to Children",
	"Custom Allocators", "HALO Optimization", "Enabling HALO", "When HALO Applies", "Profiling Allocation",
	"When to Optimize", "Summary", "Next Steps",
}

// Each section of that page has a row, in the same order.
func TestEachSectionOfTheSeedIsMapped(t *testing.T) {
	page, err := os.ReadFile("capy.md")
	require.NoError(t, err)
	_, rest, found := strings.Cut(string(page), "\n## Frame allocators, section by section\n")
	require.True(t, found)
	rest, _, _ = strings.Cut(rest, "\n## ")
	for _, heading := range seed {
		_, rest, found = strings.Cut(rest, "\n| "+heading+" |")
		require.True(t, found, heading)
	}
	require.NotContains(t, rest, "\n| ", "a row that is no section's")
}

// The last cell of each row of the table of counterparts has a link or a name of this library, or
// says that there is none.
func TestEachFeatureIsMapped(t *testing.T) {
	file, err := os.ReadFile(filepath.Join(root, "docs", "counterparts.md"))
	require.NoError(t, err)
	page := string(file)
	rows := regexp.MustCompile(`(?m)^\| (.*?) ?\| (.*?) ?\| (.*?) ?\| (.+) \|$`).FindAllStringSubmatch(page, -1)
	require.Greater(t, len(rows), 60)
	answer := regexp.MustCompile("\\]\\(|`|^none|^the same|^here$|^all here")
	ofCapy := 0
	for _, row := range rows {
		require.Regexp(t, answer, row[4], row[0])
		if row[2] != "" {
			ofCapy++
		}
	}
	require.Greater(t, ofCapy, 60)
	for _, feature := range []string{
		"task<T>", "run_async", "run(ex)", "run_on", "when_all", "when_any", "recycling_memory_resource", "safe_resume",
		"stop_token", "executor_ref", "any_executor", "strand", "thread_pool", "execution_context", "work_guard",
		"async_mutex", "async_event", "async_waker", "delay", "timeout", "quitter", "generators", "FrameAllocator", "this_coro",
	} {
		require.Contains(t, page, feature)
	}
}
